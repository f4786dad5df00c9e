// What changed among the matches of a glob between two trees, at the cost of what changed.

import type { GitObjects } from '../git/git-objects.ts';
import { readDirectory } from './directory.ts';
import { type FileEntry, isDirectory } from './files.ts';
import type { Glob } from './glob.ts';

/** A match of a glob that only one of two trees has: gone, or new. A changed one is both. */
export interface MatchChange {
  readonly kind: 'removed' | 'added';
  readonly match: FileEntry & { readonly captures: readonly string[] };
}

/** Yields how the matches of `glob` differ between two trees (null: empty). Equal subtrees are not read. */
export async function* diffGlob(
  objects: GitObjects,
  trees: { readonly old: string | null; readonly new: string | null },
  glob: Glob,
): AsyncGenerator<MatchChange> {
  const root = (tree: string | null): FileEntry | undefined =>
    tree === null ? undefined : { path: '', mode: '40000', id: tree };
  yield* diffAt(objects, { old: root(trees.old), new: root(trees.new) }, glob);
}

async function* diffAt(
  objects: GitObjects,
  at: { readonly old: FileEntry | undefined; readonly new: FileEntry | undefined },
  glob: Glob,
): AsyncGenerator<MatchChange> {
  if (at.old?.id === at.new?.id && at.old?.mode === at.new?.mode) {
    return;
  }
  const path = `/${(at.new ?? at.old)?.path ?? ''}`;
  const captures = glob.match(path);
  if (captures !== undefined) {
    if (at.old) {
      yield { kind: 'removed', match: { ...at.old, captures } };
    }
    if (at.new) {
      yield { kind: 'added', match: { ...at.new, captures } };
    }
  }
  if (!glob.mayMatchBelow(path)) {
    return;
  }
  const before = await childrenOf(objects, at.old);
  const after = await childrenOf(objects, at.new);
  for (const [name, entry] of after) {
    yield* diffAt(objects, { old: before.get(name), new: entry }, glob);
  }
  for (const [name, entry] of before) {
    if (!after.has(name)) {
      yield* diffAt(objects, { old: entry, new: undefined }, glob);
    }
  }
}

async function childrenOf(
  objects: GitObjects,
  entry: FileEntry | undefined,
): Promise<Map<string, FileEntry>> {
  if (entry === undefined || !isDirectory(entry)) {
    return new Map();
  }
  const { entries } = await readDirectory(objects, entry.id);
  return new Map(
    entries.map(({ name, mode, id }) => [
      name,
      { path: entry.path === '' ? name : `${entry.path}/${name}`, mode, id },
    ]),
  );
}
