// Which Git objects a fetch sends: what the wanted commits reach and the client lacks, no deeper than it asks for.

import { EngineError, isEngineError } from '../base/errors.ts';
import type { GitReader } from '../git/git-reader.ts';
import { EMPTY_TREE } from '../git/object-id.ts';
import type { TreeEntry } from '../git/tree.ts';
import {
  type Client,
  CommitGraph,
  type CommitNode,
  commitsOf,
  commitsToSend,
} from './commit-graph.ts';
import { IdSet } from './id-set.ts';
import { type Cut, reachableObjects } from './reachable.ts';

/** How far down history is wanted. */
export interface Depth {
  /** So many commits of each line, counted from the wanted ones or, `relative`, from where the client's history ends. */
  readonly commits?: number;
  readonly relative?: boolean;
  /** Or those that were committed since, in seconds since the Unix epoch. */
  readonly since?: number;
  /** Without these commits and what they reach. */
  readonly excluded?: readonly string[];
}

export type WantedFiles =
  | 'commits'
  | 'none'
  | ((id: string) => boolean | Promise<boolean>)
  | undefined;

export interface FetchRequest {
  /** Commits, which are there. */
  readonly wants: readonly string[];
  readonly client: Client;
  readonly depth?: Depth | undefined;
  /** Returns whether a history ends at a commit since those before were let go. */
  readonly isThere?: Cut['isThere'] | undefined;
  /** Which files' contents are sent; all where not named, and with `commits` no directories either. */
  readonly files?: WantedFiles;
}

export interface FetchPlan {
  readonly objects: IdSet;
  /** Commits whose parents the client will lack from now on, and those whose parents it lacked till now. */
  readonly shallow: readonly string[];
  readonly unshallow: readonly string[];
}

/** Finds out what is to be sent. It reads commits and trees, as many as differ from what the client has. */
export async function planFetch(objects: GitReader, request: FetchRequest): Promise<FetchPlan> {
  const { wants, client, depth, isThere, files } = request;
  const cuts = new Set<string>();
  const cut = isThere && { isThere, onCut: (id: string) => void cuts.add(id) };
  if (depth === undefined && [...client.haves].length === 0 && files !== 'commits') {
    const all = await reachableObjects(objects, wants, { cut, files: files !== 'none' });
    const found = typeof files === 'function' ? await kept(objects, all, files) : all;
    return { objects: found, shallow: [...cuts], unshallow: [] };
  }
  const graph = new CommitGraph(objects, cut);
  const range = depth && (await inRange(graph, { wants, depth, shallow: client.shallow }));
  const { send, has } = range
    ? await lacking(graph, range.nodes, client)
    : await commitsToSend(graph, wants, client);
  const sent = new Map(send.map((node) => [node.id, node]));
  const collector = new Collector(objects, files);
  for (const node of send) {
    const bases: string[] = [];
    for (const parent of node.parents) {
      const base = sent.get(parent) ?? (has.has(parent) ? await graph.find(parent) : undefined);
      bases.push(...(base ? [base.tree] : []));
    }
    await (files === 'commits' ? collector.found.addHex(node.id) : collector.commit(node, bases));
  }
  const ends = new Set([...(range?.ends ?? []), ...cuts]);
  return {
    objects: collector.found,
    shallow: [...ends].filter((id) => !client.shallow.has(id)),
    unshallow: [...client.shallow].filter((id) => range?.nodes.has(id) && !ends.has(id)),
  };
}

/** Adds directories and files that were asked for by their ids, and what directories hold. */
export async function addWanted(
  objects: GitReader,
  ids: readonly string[],
  { found, files }: { readonly found: IdSet; readonly files: WantedFiles },
): Promise<void> {
  const collector = new Collector(objects, files, found);
  for (const id of ids) {
    const { kind } = await objects.stat(id);
    await (kind === 'tree' && files !== 'commits' ? collector.tree(id, []) : found.addHex(id));
  }
}

interface Range {
  readonly nodes: ReadonlyMap<string, CommitNode>;
  /** Those whose parents are beyond the range. */
  readonly ends: ReadonlySet<string>;
}

/** Walks breadth first: the shortest way to a commit is its depth. */
async function inRange(
  graph: CommitGraph,
  asked: {
    readonly wants: readonly string[];
    readonly depth: Depth;
    readonly shallow: ReadonlySet<string>;
  },
): Promise<Range> {
  const { commits = Number.POSITIVE_INFINITY, relative = false, since = 0 } = asked.depth;
  const excluded = await reachedBy(graph, asked.depth.excluded ?? []);
  const wrong = asked.wants.find((id) => excluded.has(id));
  if (wrong !== undefined) {
    throw new EngineError(
      'invalid',
      `Cannot send "${wrong}" without what is excluded: that reaches it, so that nothing is left`,
    );
  }
  const nodes = new Map<string, CommitNode>();
  const ends = new Set<string>();
  const first = relative ? 0 : 1;
  let queue = asked.wants.map((id) => ({ id, level: first }));
  while (queue.length > 0) {
    const next: typeof queue = [];
    for (const { id, level } of queue) {
      if (nodes.has(id)) {
        continue;
      }
      const node = await graph.node(id);
      nodes.set(id, node);
      const above = await Promise.all(node.parents.map((parent) => graph.node(parent)));
      const isInside =
        level < commits &&
        above.every((parent) => parent.time >= since && !excluded.has(parent.id));
      if (!isInside && above.length > 0) {
        ends.add(id);
      }
      const isCounted = !relative || level > 0 || asked.shallow.has(id);
      const parents = isInside ? above : [];
      next.push(...parents.map((parent) => ({ id: parent.id, level: level + Number(isCounted) })));
    }
    queue = next;
  }
  return { nodes, ends };
}

async function reachedBy(graph: CommitGraph, ids: readonly string[]): Promise<Set<string>> {
  const reached = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!reached.has(id)) {
      reached.add(id);
      open.push(...(await graph.node(id)).parents);
    }
  }
  return reached;
}

async function lacking(
  graph: CommitGraph,
  range: ReadonlyMap<string, CommitNode>,
  client: Client,
): Promise<{ send: readonly CommitNode[]; has: ReadonlySet<string> }> {
  let oldest = Number.POSITIVE_INFINITY;
  for (const { time } of range.values()) {
    oldest = Math.min(oldest, time);
  }
  const has = await commitsOf(graph, client, oldest);
  return { send: [...range.values()].filter(({ id }) => !has.has(id)), has };
}

/** Collects the objects of commits by comparing each tree with those of the commit's parents. */
class Collector {
  readonly found: IdSet;
  readonly #objects: GitReader;
  readonly #files: WantedFiles;

  constructor(objects: GitReader, files: WantedFiles, found = new IdSet()) {
    this.#objects = objects;
    this.#files = files;
    this.found = found;
  }

  async commit({ id, tree }: CommitNode, bases: readonly string[]): Promise<void> {
    this.found.addHex(id);
    await this.tree(tree, bases);
  }

  async tree(id: string, bases: readonly string[]): Promise<void> {
    if (id === EMPTY_TREE || bases.includes(id) || !this.found.addHex(id)) {
      return;
    }
    const known = await Promise.all(bases.map((base) => this.#base(base)));
    for (const entry of await this.#objects.readTree(id)) {
      const same = known.flatMap((names) => names.get(entry.name) ?? []);
      if (same.some((other) => other.id === entry.id)) {
        continue;
      }
      if (entry.mode === '40000') {
        const trees = same.filter(({ mode }) => mode === '40000');
        await this.tree(
          entry.id,
          trees.map((tree) => tree.id),
        );
      } else if (await this.#isWanted(entry.id)) {
        this.found.addHex(entry.id);
      }
    }
  }

  async #isWanted(id: string): Promise<boolean> {
    return typeof this.#files === 'function' ? await this.#files(id) : this.#files !== 'none';
  }

  /** The client has this one whether or not we have it still. */
  async #base(id: string): Promise<ReadonlyMap<string, TreeEntry>> {
    try {
      const entries = await this.#objects.readTree(id);
      return new Map(entries.map((entry) => [entry.name, entry]));
    } catch (error) {
      if (isEngineError(error, 'corrupt')) {
        return new Map();
      }
      throw error;
    }
  }
}

async function kept(
  objects: GitReader,
  all: IdSet,
  isWanted: (id: string) => boolean | Promise<boolean>,
): Promise<IdSet> {
  const found = new IdSet();
  for (const ids of all.batches(10_000)) {
    for (const id of ids) {
      const { kind } = await objects.stat(id);
      if (kind !== 'blob' || (await isWanted(id))) {
        found.addHex(id);
      }
    }
  }
  return found;
}
