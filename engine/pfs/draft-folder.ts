// A directory of a tree that is being changed: what it starts from, and what becomes of names in it. It is read when it
// must be, and never written here.

import type { GitObjects } from '../git/git-objects.ts';
import type { TreeMode } from '../git/tree.ts';
import { findEntry, isPointer, readStored, type StoredDirectory } from './directory.ts';

/** A file to be written; `tail` names the blobs whose contents are to follow its own. */
export interface DraftFile {
  readonly mode: TreeMode;
  readonly id: string;
  readonly isLarge: boolean;
  readonly tail: string[];
}

/** What stands at a name; undefined: nothing, or a directory that has become empty. */
export type FoundEntry =
  | { readonly file: DraftFile }
  | { readonly folder: DraftFolder }
  | undefined;

/** A directory to be written: the tree it starts from (null: the empty one), and its changes. */
export class DraftFolder {
  readonly base: string | null;
  /** What becomes of names in it; null: gone. */
  readonly changes = new Map<string, DraftFolder | DraftFile | null>();
  /** The base may be the root of a commit, whose tree says more than a directory's. */
  readonly isForeign: boolean;
  readonly #objects: GitObjects;
  #stored: StoredDirectory | undefined;

  constructor(
    objects: GitObjects,
    base: string | null,
    options: { readonly isForeign?: boolean } = {},
  ) {
    this.#objects = objects;
    this.base = base;
    this.isForeign = options.isForeign ?? false;
  }

  /** Returns what stands at a name now. */
  async find(name: string): Promise<FoundEntry> {
    const changed = this.changes.get(name);
    if (changed === null) {
      return undefined;
    }
    if (changed !== undefined) {
      if (!(changed instanceof DraftFolder)) {
        return { file: changed };
      }
      return (await changed.#isEmpty()) ? undefined : { folder: changed };
    }
    const { entries, large } = await this.stored();
    const entry = findEntry(entries, name);
    if (entry === undefined) {
      return undefined;
    }
    const { mode, id } = entry;
    if (mode === '40000') {
      return { folder: new DraftFolder(this.#objects, id) };
    }
    const isLarge = large === undefined ? await isPointer(this.#objects, id) : large.has(name);
    return { file: { mode, id, isLarge, tail: [] } };
  }

  /** Returns the directory that it starts from, read once. */
  async stored(): Promise<StoredDirectory> {
    this.#stored ??= await readStored(this.#objects, this.base);
    return this.#stored;
  }

  async #isEmpty(): Promise<boolean> {
    if (this.base !== null && this.changes.size === 0) {
      return (await this.stored()).entries.length === 0;
    }
    for (const item of this.changes.values()) {
      if (item !== null && !(item instanceof DraftFolder && (await item.#isEmpty()))) {
        return false;
      }
    }
    const { entries } = await this.stored();
    return entries.length <= this.changes.size && entries.every((e) => this.changes.has(e.name));
  }
}
