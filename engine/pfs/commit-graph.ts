// The graph of a repo's Git commits, read as far as somebody walks it, from the newest commits to the oldest.

import { isEngineError } from '../base/errors.ts';
import { type CommitHeader, readCommitHeader } from '../git/commit-header.ts';
import type { GitReader } from '../git/git-reader.ts';
import type { Cut } from './reachable.ts';

export interface CommitNode extends CommitHeader {
  readonly id: string;
}

/** Commits that have been read, by id. */
export class CommitGraph {
  readonly #objects: GitReader;
  readonly #cut: Cut | undefined;
  readonly #nodes = new Map<string, CommitNode>();

  constructor(objects: GitReader, cut?: Cut) {
    this.#objects = objects;
    this.#cut = cut;
  }

  /** Returns a commit, without its parents where history is cut off there. One that is missing or damaged is `corrupt`. */
  async node(id: string): Promise<CommitNode> {
    const known = this.#nodes.get(id);
    if (known) {
      return known;
    }
    const header = readCommitHeader(await this.#objects.readCommitBytes(id));
    const isCut = this.#cut !== undefined && !header.parents.every(this.#cut.isThere);
    if (isCut) {
      this.#cut?.onCut?.(id);
    }
    const node = { id, ...header, ...(isCut ? { parents: [] } : {}) };
    this.#nodes.set(id, node);
    return node;
  }

  /** As {@link node}, but undefined for what is not there (any more): somebody else's clone may have it still. */
  async find(id: string): Promise<CommitNode | undefined> {
    return await this.node(id).catch((error: unknown) => {
      if (isEngineError(error, 'corrupt')) {
        return undefined;
      }
      throw error;
    });
  }
}

/** Commits that are to be looked at, the newest first. */
export class NewestFirst {
  /** The newest is the last. */
  readonly #nodes: CommitNode[] = [];

  get size(): number {
    return this.#nodes.length;
  }

  push(node: CommitNode): void {
    let low = 0;
    let high = this.#nodes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#nodes[middle]?.time ?? 0) <= node.time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    this.#nodes.splice(low, 0, node);
  }

  pop(): CommitNode | undefined {
    return this.#nodes.pop();
  }
}

/** What a client has: some commits with all that they reach, down to those where its own history is cut off. */
export interface Client {
  readonly haves: Iterable<string>;
  readonly shallow: ReadonlySet<string>;
}

/**
 * Returns the commits that `wants` reach and the client lacks. Where clocks were wrong some that it has may be among them:
 * that costs a little and harms nothing.
 */
export async function commitsToSend(
  graph: CommitGraph,
  wants: Iterable<string>,
  client: Client,
): Promise<{ send: readonly CommitNode[]; has: ReadonlySet<string> }> {
  const queue = new NewestFirst();
  const isTheirs = new Map<string, boolean>();
  /** Those in the queue that the client may lack. The walk ends when there are none: all that follows it has. */
  const open = new Set<string>();
  const mark = async (id: string, theirs: boolean): Promise<void> => {
    const known = isTheirs.get(id);
    if (known === undefined || (theirs && !known)) {
      const node = theirs ? await graph.find(id) : await graph.node(id);
      if (node) {
        isTheirs.set(id, theirs);
        queue.push(node);
        theirs ? open.delete(id) : open.add(id);
      }
    }
  };
  for (const id of client.haves) {
    await mark(id, true);
  }
  for (const id of wants) {
    await mark(id, false);
  }
  const seen = new Map<string, CommitNode>();
  while (open.size > 0) {
    const node = queue.pop();
    if (node === undefined) {
      break;
    }
    open.delete(node.id);
    seen.set(node.id, node);
    const theirs = isTheirs.get(node.id) === true;
    for (const parent of theirs && client.shallow.has(node.id) ? [] : node.parents) {
      await mark(parent, theirs);
    }
  }
  const has = new Set([...isTheirs].filter(([, theirs]) => theirs).map(([id]) => id));
  return { send: [...seen.values()].filter(({ id }) => !has.has(id)), has };
}

/** Returns which of what the client has, down to a time, it has: all of it where nothing is older. */
export async function commitsOf(
  graph: CommitGraph,
  client: Client,
  since: number,
): Promise<ReadonlySet<string>> {
  const has = new Set<string>();
  const queue = new NewestFirst();
  const add = async (id: string): Promise<void> => {
    const node = has.has(id) ? undefined : await graph.find(id);
    if (node) {
      has.add(id);
      queue.push(node);
    }
  };
  for (const id of client.haves) {
    await add(id);
  }
  for (let node = queue.pop(); node && node.time >= since; node = queue.pop()) {
    for (const parent of client.shallow.has(node.id) ? [] : node.parents) {
      await add(parent);
    }
  }
  return has;
}

/** Returns whether each of `wants` reaches something the client has: then no more needs to be known of it. */
export async function allReach(
  graph: CommitGraph,
  wants: Iterable<string>,
  common: ReadonlySet<string>,
): Promise<boolean> {
  let floor = Number.POSITIVE_INFINITY;
  for (const id of common) {
    floor = Math.min(floor, (await graph.node(id)).time);
  }
  for (const want of wants) {
    const seen = new Set([want]);
    const queue = new NewestFirst();
    queue.push(await graph.node(want));
    let node = queue.pop();
    for (; node && !common.has(node.id); node = queue.pop()) {
      for (const parent of node.parents) {
        if (!seen.has(parent)) {
          seen.add(parent);
          const next = await graph.node(parent);
          if (next.time >= floor) {
            queue.push(next);
          }
        }
      }
    }
    if (node === undefined) {
      return false;
    }
  }
  return true;
}
