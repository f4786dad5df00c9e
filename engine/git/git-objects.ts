// What code that works on Git objects needs, whether they are in live packs or in a session not yet finished.

import type { Commit } from './commit.ts';
import type { PackedTree } from './packed-tree.ts';
import type { TreeEntry } from './tree.ts';

/** What is known of a Git object without reading it. */
export interface GitStat {
  readonly kind: 'commit' | 'tree' | 'blob' | 'tag';
  /** Bytes: of a blob the file's (of an LFS pointer the large file's), of a tree all files' below it. */
  readonly size: number;
  /** Files below a tree; 1 for a blob, or 0 for one that is hidden from users. */
  readonly files: number;
}

/** Reading access to Git objects. An object that isn't there, or is damaged, is `corrupt`. */
export interface GitObjects {
  readBlob(id: string): Promise<Buffer>;
  /** The entries in Git's order. Shared: not to be changed. */
  readTree(id: string): Promise<readonly TreeEntry[]>;
  /** The same, for a tree of very many entries of which few are wanted; where it is absent, {@link readTree} serves. */
  readPackedTree?(id: string): Promise<PackedTree>;
  readCommit(id: string): Promise<Commit>;
  stat(id: string): GitStat | Promise<GitStat>;
}
