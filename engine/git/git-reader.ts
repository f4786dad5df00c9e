// Reads Git objects out of live packs and verifies what it read. It never writes.

import { EngineError, isEngineError } from '../base/errors.ts';
import type { ObjectStat } from '../object/pack-ref.ts';
import type { PackSet, StoredObject } from '../object/pack-set.ts';
import { type Commit, parseCommit } from './commit.ts';
import type { GitObjects, GitStat } from './git-objects.ts';
import { EMPTY_TREE, type GitKind } from './object-id.ts';
import { type GitObject, ObjectResolver } from './object-resolver.ts';
import { PackedTree } from './packed-tree.ts';
import { decodeTree, type TreeEntry } from './tree.ts';
import { TreeCache } from './tree-cache.ts';

const EMPTY_STAT: GitStat = { kind: 'tree', size: 0, files: 0 };

/** Git objects of the live packs of a set. Keeps recently used trees. */
export class GitReader implements GitObjects {
  readonly #packs: PackSet;
  readonly #trees: TreeCache;
  readonly #resolver = new ObjectResolver();
  /** The tree that was read last as it is stored, for as long as nobody needs its memory. */
  #packed: { readonly id: string; readonly tree: WeakRef<PackedTree> } | undefined;

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

  async readPackedTree(id: string): Promise<PackedTree> {
    const known = this.#packed?.id === id ? this.#packed.tree.deref() : undefined;
    if (known) {
      return known;
    }
    const tree = new PackedTree(await this.readTreeBytes(id));
    this.#packed = { id, tree: new WeakRef(tree) };
    return tree;
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
    return parseCommit(await this.readCommitBytes(id), id);
  }

  /** Returns a commit's content as Git stores it. */
  async readCommitBytes(id: string): Promise<Buffer> {
    return (await this.#read(id, 'commit')).content;
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
      const decoded = this.resolve(stored);
      yield decoded instanceof Promise ? await decoded : decoded;
    }
  }

  /** Decodes and verifies an object that was read out of a pack; one that came damaged is read once more. */
  resolve(stored: StoredObject): GitObject | Promise<GitObject> {
    const again = async (error: unknown): Promise<GitObject> => {
      if (!isEngineError(error, 'corrupt')) {
        throw error;
      }
      this.#resolver.forgetBases();
      return await this.#resolver.resolve(await this.#packs.readAgain(stored.entry.id));
    };
    try {
      const object = this.#resolver.resolve(stored);
      return object instanceof Promise ? object.catch(again) : object;
    } catch (error) {
      return again(error);
    }
  }

  async #read(id: string, kind: GitKind): Promise<GitObject> {
    const object = await this.resolve(await this.#packs.read(id));
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
