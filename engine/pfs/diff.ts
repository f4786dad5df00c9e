// What differs between two trees, at the cost of what differs: equal subtrees have equal ids and are not read.

import type { GitObjects } from '../git/git-objects.ts';
import { compareEntries, type TreeEntry } from '../git/tree.ts';
import { readEntries } from './directory.ts';
import { type FileEntry, isDirectory, walkFiles } from './files.ts';

/** One file that differs: `old` absent where it was added, `new` where it was removed. `path` is the new one's. */
export interface FileDifference {
  readonly path: string;
  readonly old?: FileEntry;
  readonly new?: FileEntry;
}

/** How a difference is told. */
export interface DiffOptions {
  /** A directory that differs is one difference, of which nothing below is read. */
  readonly shallow?: boolean;
}

/** Yields the files that differ below two trees (null: empty), in path order. */
export async function* diffTrees(
  objects: GitObjects,
  trees: { readonly old: string | null; readonly new: string | null },
): AsyncGenerator<FileDifference> {
  yield* diffDirectories(objects, { old: rootOf(trees.old), new: rootOf(trees.new) }, {});
}

/** Yields what differs between two entries, at whatever paths they stand. */
export async function* diffEntries(
  objects: GitObjects,
  entries: { readonly old?: FileEntry | undefined; readonly new?: FileEntry | undefined },
  options: DiffOptions = {},
): AsyncGenerator<FileDifference> {
  const { old: a, new: b } = entries;
  if (a && b && a.id === b.id && a.mode === b.mode) {
    return;
  }
  if ([a, b].every((entry) => entry === undefined || isDirectory(entry))) {
    yield* diffDirectories(objects, { old: a, new: b }, options);
    return;
  }
  if (a && b && !isDirectory(a) && !isDirectory(b)) {
    yield { path: b.path, old: a, new: b };
    return;
  }
  for await (const file of a ? walkFiles(objects, a) : []) {
    yield { path: file.path, old: file };
  }
  for await (const file of b ? walkFiles(objects, b) : []) {
    yield { path: file.path, new: file };
  }
}

async function* diffDirectories(
  objects: GitObjects,
  directories: { readonly old: FileEntry | undefined; readonly new: FileEntry | undefined },
  options: DiffOptions,
): AsyncGenerator<FileDifference> {
  const before = await readEntries(objects, directories.old?.id ?? null);
  const after = await readEntries(objects, directories.new?.id ?? null);
  let i = 0;
  let j = 0;
  for (;;) {
    const a = before[i];
    const b = after[j];
    if (a === undefined && b === undefined) {
      return;
    }
    const order =
      a === undefined ? 1 : b === undefined ? -1 : a.name === b.name ? 0 : compareEntries(a, b);
    i += order <= 0 ? 1 : 0;
    j += order >= 0 ? 1 : 0;
    const old = order <= 0 ? at(directories.old?.path ?? '', a) : undefined;
    const now = order >= 0 ? at(directories.new?.path ?? '', b) : undefined;
    if (!options.shallow) {
      yield* diffEntries(objects, { old, new: now });
    } else if (old?.id !== now?.id || old?.mode !== now?.mode) {
      const path = (now ?? old)?.path ?? '';
      yield { path, ...(old ? { old } : {}), ...(now ? { new: now } : {}) };
    }
  }
}

function rootOf(tree: string | null): FileEntry | undefined {
  return tree === null ? undefined : { path: '', mode: '40000', id: tree };
}

function at(prefix: string, entry: TreeEntry | undefined): FileEntry | undefined {
  return (
    entry && {
      path: prefix === '' ? entry.name : `${prefix}/${entry.name}`,
      mode: entry.mode,
      id: entry.id,
    }
  );
}
