// What a bucket shows: the files of a commit, or what a datum has written so far.

import type { TreeMode } from '../../git/tree.ts';
import type { OutFolder } from '../../jobs/out-folder.ts';
import type { CommitRecord } from '../../journal/records.ts';
import { openTree, type ReadableTree } from '../../pfs/commits.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { readEntries } from '../../pfs/directory.ts';
import { type FileEntry, findFile, withStat } from '../../pfs/files.ts';
import { type Bucket, shownCommit } from './bucket.ts';

/** A name in a directory. */
export interface ViewEntry {
  readonly name: string;
  readonly mode: TreeMode;
  readonly id: string;
}

export interface ObjectStat {
  readonly size: number;
  readonly etag: string;
  /** In milliseconds since the Unix epoch. */
  readonly modified: number;
}

export interface ViewRange {
  readonly start: number;
  readonly end: number;
  readonly borrowed?: boolean;
}

/** Files that can be listed and read. Close it. */
export interface View {
  /** The commit; undefined for what is no commit yet. */
  readonly version: string | undefined;
  /** Undefined where there is nothing. */
  readonly root: FileEntry | undefined;
  /** Lists a directory in the order of a tree. */
  entries(directory: FileEntry): Promise<readonly ViewEntry[]>;
  /** Returns the regular file of a key, or undefined. */
  find(key: string): Promise<FileEntry | undefined>;
  stat(entry: FileEntry): Promise<ObjectStat>;
  /** Yields bytes of a file, from `start` up to and without `end`; with `borrowed`, each buffer is there until the next is asked for. */
  read(entry: FileEntry, range: ViewRange): AsyncIterable<Buffer>;
  close(): void;
}

/** Opens what a bucket shows, or one version of it; undefined while it has no commit. */
export async function openView(
  context: PfsContext,
  bucket: Bucket,
  version?: string,
): Promise<View | undefined> {
  if (bucket.out) {
    return viewOfFolder(bucket.out);
  }
  const commit = await shownCommit(context, bucket, version);
  return commit && viewOfTree(commit, await openTree(context, bucket.repo, commit.id));
}

function viewOfTree(commit: CommitRecord, tree: ReadableTree): View {
  const { objects } = tree;
  const modified = commit.finished ?? commit.started;
  return {
    version: commit.id,
    root: tree.tree === null ? undefined : { path: '', mode: '40000', id: tree.tree },
    entries: (directory) => readEntries(objects, directory.id),
    find: async (key) => {
      const found = key === '' ? undefined : await findFile(objects, tree.tree, key);
      return found && isFile(found) ? found : undefined;
    },
    stat: async (entry) => {
      const { size, id } = await withStat(objects, entry);
      return { size, etag: id, modified };
    },
    read: (entry, range) => tree.readFile(entry.id, range),
    close: () => tree.close(),
  };
}

function viewOfFolder(folder: OutFolder): View {
  return {
    version: undefined,
    root: { path: '', mode: '40000', id: '' },
    entries: (directory) => Promise.resolve(folder.entries(directory.path)),
    find: async (key) => (await folder.find(key)) && { path: key, mode: '100644', id: '' },
    stat: async ({ path }) => (await folder.find(path)) ?? { size: 0, etag: '', modified: 0 },
    read: (entry, range) => folder.read(entry.path, range),
    close: () => undefined,
  };
}

/** Directories are there through their files alone, and symbolic links are left out. */
export function isFile({ mode }: Pick<FileEntry, 'mode'>): boolean {
  return mode !== '40000' && mode !== '120000';
}
