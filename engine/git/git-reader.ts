// Reads Git objects out of live packs and verifies what it read. It never writes.

import { EngineError } from '../base/errors.ts';
import type { ObjectStat } from '../object/pack-ref.ts';
import type { PackSet, StoredObject } from '../object/pack-set.ts';
import { type Commit, parseCommit } from './commit.ts';
import type { GitObjects, GitStat } from './git-objects.ts';
import { EMPTY_TREE, type GitKind, objectId } from './object-id.ts';
import { type DecodedEntry, decodeEntry } from './pack-format.ts';
import { decodeTree, type TreeEntry } from './tree.ts';
import { TreeCache } from './tree-cache.ts';

/** A Git object's content. The buffer may be shared: it must not be written to. */
export interface GitObject {
  readonly id: string;
  readonly kind: GitKind;
  readonly content: Buffer;
}

const EMPTY_STAT: GitStat = { kind: 'tree', size: 0, files: 0 };

/** Git objects of the live packs of a set. Keeps recently used trees. */
export class GitReader implements GitObjects {
  readonly #packs: PackSet;
  readonly #trees: TreeCache;

  constructor(packs: PackSet, options: { trees?: TreeCache } = {}) {
    this.#packs = packs;
    this.#trees = options.trees ?? new TreeCache();
  }

  async readBlob(id: string): Promise<Buffer> {
    return (await this.#read(id, 'blob')).content;
  }

  async readTree(id: string): Promise<readonly TreeEntry[]> {
    const known = this.#trees.get(id);
    if (known) {
      return known;
    }
    const entries = decodeTree(await this.readTreeBytes(id));
    this.#trees.set(id, entries);
    return entries;
  }

  /** Keeps the entries, in Git's order, of a tree that is about to be read: one that was just written. */
  keepTree(id: string, entries: readonly TreeEntry[]): void {
    this.#trees.set(id, entries);
  }

  /** Returns a tree's content as Git stores it. */
  async readTreeBytes(id: string): Promise<Buffer> {
    return id === EMPTY_TREE ? Buffer.alloc(0) : (await this.#read(id, 'tree')).content;
  }

  async readCommit(id: string): Promise<Commit> {
    return parseCommit((await this.#read(id, 'commit')).content, id);
  }

  stat(id: string): GitStat | Promise<GitStat> {
    if (id === EMPTY_TREE) {
      return EMPTY_STAT;
    }
    const hit = this.#packs.find(id);
    return hit instanceof Promise
      ? hit.then((found) => toGitStat(id, found?.entry))
      : toGitStat(id, hit?.entry);
  }

  /**
   * Reads many objects, each once, in the order in which they stand in their packs. Memory stays at a few
   * windows of 8 MiB; the caller bounds the list of ids.
   */
  async *readMany(ids: Iterable<string>): AsyncGenerator<GitObject> {
    for await (const stored of this.#packs.readMany(ids)) {
      const decoded = verified(stored);
      yield decoded instanceof Promise ? await decoded : decoded;
    }
  }

  async #read(id: string, kind: GitKind): Promise<GitObject> {
    const object = await verified(await this.#packs.read(id));
    if (object.kind !== kind) {
      throw new EngineError('corrupt', `Cannot read ${kind} "${id}": it is a ${object.kind}`);
    }
    return object;
  }
}

/** Narrows what an index says of an object to Git's kinds; `corrupt` when there is nothing. */
export function toGitStat(id: string, stat: ObjectStat | undefined): GitStat {
  if (!stat) {
    throw new EngineError(
      'corrupt',
      `Cannot look up object "${id}": no live pack has it; run pfs fsck to see what is affected`,
      { details: { object: id } },
    );
  }
  const { kind, size, files } = stat;
  if (kind === 'chunk' || kind === 'list') {
    throw new EngineError('corrupt', `Cannot look up object "${id}": it is a ${kind}`);
  }
  return { kind, size, files };
}

/** Decodes an entry and verifies that it is the object it is said to be. */
function verified(stored: StoredObject): GitObject | Promise<GitObject> {
  try {
    const decoded = decodeEntry(stored.bytes);
    return decoded instanceof Promise
      ? decoded.then(
          (entry) => verify(stored, entry),
          (cause: unknown) => {
            throw damaged(stored, cause);
          },
        )
      : verify(stored, decoded);
  } catch (cause) {
    throw damaged(stored, cause);
  }
}

function verify(stored: StoredObject, { kind, content }: DecodedEntry): GitObject {
  const { id } = stored.entry;
  if (objectId(kind, content) !== id) {
    throw damaged(stored, undefined);
  }
  return { id, kind, content };
}

function damaged(stored: StoredObject, cause: unknown): EngineError {
  const { entry, pack } = stored;
  return new EngineError(
    'corrupt',
    `Cannot read object "${entry.id}": its bytes in pack "${pack.id}" are damaged; restore the pack from a copy`,
    { cause, details: { object: entry.id, pack: pack.id } },
  );
}
