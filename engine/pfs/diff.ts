// What differs between two trees, at the cost of what differs: equal subtrees have equal ids and are not read.

import type { GitObjects } from '../git/git-objects.ts';
import { compareEntries, type TreeEntry } from '../git/tree.ts';
import { readEntries } from './directory.ts';
import { type FileEntry, isDirectory, walkFiles } from './files.ts';

/** One file that differs: `old` absent where it was added, `new` where it was removed. */
export interface FileDifference {
  readonly path: string;
  readonly old?: FileEntry;
  readonly new?: FileEntry;
}

/** Yields the files that differ below two trees (null: empty), in path order; paths start with `prefix`. */
export async function* diffTrees(
  objects: GitObjects,
  trees: { readonly old: string | null; readonly new: string | null },
  prefix = '',
): AsyncGenerator<FileDifference> {
  if (trees.old === trees.new) {
    return;
  }
  const before = await readEntries(objects, trees.old);
  const after = await readEntries(objects, trees.new);
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
    yield* diffEntries(objects, {
      old: order <= 0 ? at(prefix, a) : undefined,
      new: order >= 0 ? at(prefix, b) : undefined,
    });
  }
}

/** Yields what differs between two entries at one path. */
export async function* diffEntries(
  objects: GitObjects,
  entries: { readonly old?: FileEntry | undefined; readonly new?: FileEntry | undefined },
): AsyncGenerator<FileDifference> {
  const { old: a, new: b } = entries;
  if (a && b && a.id === b.id && a.mode === b.mode) {
    return;
  }
  if (a && b && isDirectory(a) && isDirectory(b)) {
    yield* diffTrees(objects, { old: a.id, new: b.id }, b.path);
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

function at(prefix: string, entry: TreeEntry | undefined): FileEntry | undefined {
  return (
    entry && {
      path: prefix === '' ? entry.name : `${prefix}/${entry.name}`,
      mode: entry.mode,
      id: entry.id,
    }
  );
}
