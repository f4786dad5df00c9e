// What differs between two trees, at the cost of what differs: equal subtrees have equal ids and are not read.

import type { GitObjects } from '../git/git-objects.ts';
import { compareEntries, type TreeEntry } from '../git/tree.ts';
import { readEntries } from './directory.ts';
import { type FileEntry, gone, isDirectory, shownPath, walkFiles } from './files.ts';

/** One file that differs: `old` absent where it was added, `new` where it was removed. `path` is the new one's. */
export interface FileDifference {
  readonly path: string;
  readonly old?: FileEntry;
  readonly new?: FileEntry;
}

/** Names a difference among those of two trees: its path as it is shown, which tells a file from a directory. */
export function keyOfDifference({ old, new: now }: Sides): string {
  const entry = now ?? old;
  return entry === undefined ? '' : shownPath(entry);
}

/** What is compared; either may be missing. */
interface Sides {
  readonly old?: FileEntry | undefined;
  readonly new?: FileEntry | undefined;
}

/** How a difference is told. */
export interface DiffOptions {
  /** A directory that differs is one difference, of which nothing below is read. */
  readonly shallow?: boolean;
  /** Only what follows the difference with this key ({@link keyOfDifference}), at the cost of that. */
  readonly after?: string | undefined;
  /** Says of a directory, by its path and a slash, whether it is looked into. */
  readonly enters?: ((directory: string) => boolean) | undefined;
}

/** Yields the files that differ below two trees (null: empty), in path order. */
export async function* diffTrees(
  objects: GitObjects,
  trees: { readonly old: string | null; readonly new: string | null },
  options: Pick<DiffOptions, 'enters'> = {},
): AsyncGenerator<FileDifference> {
  yield* diffDirectories(objects, { old: rootOf(trees.old), new: rootOf(trees.new) }, options);
}

/**
 * Yields what differs between two entries, at whatever paths they stand. Rejects with `conflict` where `after` is no
 * difference.
 */
export async function* diffEntries(
  objects: GitObjects,
  entries: Sides,
  options: DiffOptions = {},
): AsyncGenerator<FileDifference> {
  const { after, ...rest } = options;
  if (after === undefined) {
    yield* differences(objects, entries, rest);
  } else if (areDirectories(entries) && haveOnePath(entries)) {
    yield* diffDirectories(objects, entries, options);
  } else {
    yield* dropThrough(after, differences(objects, entries, rest));
  }
}

async function* differences(
  objects: GitObjects,
  entries: Sides,
  options: DiffOptions,
): AsyncGenerator<FileDifference> {
  const { old: a, new: b } = entries;
  if (a && b && a.id === b.id && a.mode === b.mode) {
    return;
  }
  if (areDirectories(entries)) {
    if (options.enters?.(`${pathOf(entries)}/`) ?? true) {
      yield* diffDirectories(objects, entries, options);
    }
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
  directories: Sides,
  options: DiffOptions,
): AsyncGenerator<FileDifference> {
  let { after } = options;
  for (const pair of pairs({
    old: directories.old?.path ?? '',
    new: directories.new?.path ?? '',
    before: await readEntries(objects, directories.old?.id ?? null),
    after: await readEntries(objects, directories.new?.id ?? null),
  })) {
    if (after !== undefined && !holds(pair, after, options)) {
      continue;
    }
    if (!options.shallow) {
      yield* diffEntries(objects, pair, { after, enters: options.enters });
    } else if (
      after === undefined &&
      (pair.old?.id !== pair.new?.id || pair.old?.mode !== pair.new?.mode)
    ) {
      yield { path: pathOf(pair), ...(pair as Pick<FileDifference, 'old' | 'new'>) };
    }
    after = undefined;
  }
  if (after !== undefined) {
    throw gone(after);
  }
}

/** Yields what stands under each name in one or both of two directories, in order. */
function* pairs(sides: {
  readonly old: string;
  readonly new: string;
  readonly before: readonly TreeEntry[];
  readonly after: readonly TreeEntry[];
}): Generator<Sides> {
  let i = 0;
  let j = 0;
  for (;;) {
    const a = sides.before[i];
    const b = sides.after[j];
    if (a === undefined && b === undefined) {
      return;
    }
    const order =
      a === undefined ? 1 : b === undefined ? -1 : a.name === b.name ? 0 : compareEntries(a, b);
    i += order <= 0 ? 1 : 0;
    j += order >= 0 ? 1 : 0;
    yield {
      ...(a && order <= 0 ? { old: at(sides.old, a) } : {}),
      ...(b && order >= 0 ? { new: at(sides.new, b) } : {}),
    };
  }
}

/** Returns whether a difference of that path can be one of these two, or below them. */
function holds(pair: Sides, path: string, { shallow }: DiffOptions): boolean {
  if (shallow) {
    return path === keyOfDifference(pair);
  }
  const own = `/${pathOf(pair)}`;
  return path === own
    ? !areDirectories(pair)
    : path.startsWith(`${own}/`) && [pair.old, pair.new].some((one) => one && isDirectory(one));
}

async function* dropThrough(
  path: string,
  list: AsyncIterable<FileDifference>,
): AsyncGenerator<FileDifference> {
  let isFound = false;
  for await (const one of list) {
    if (isFound) {
      yield one;
    }
    isFound ||= keyOfDifference(one) === path;
  }
  if (!isFound) {
    throw gone(path);
  }
}

function areDirectories({ old: a, new: b }: Sides): boolean {
  return [a, b].every((entry) => entry === undefined || isDirectory(entry));
}

/** Returns whether the paths of all differences begin alike. */
function haveOnePath({ old: a, new: b }: Sides): boolean {
  return !a || !b || a.path === b.path;
}

function pathOf({ old: a, new: b }: Sides): string {
  return (b ?? a)?.path ?? '';
}

function rootOf(tree: string | null): FileEntry | undefined {
  return tree === null ? undefined : { path: '', mode: '40000', id: tree };
}

function at(prefix: string, entry: TreeEntry): FileEntry {
  const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
  return { path, mode: entry.mode, id: entry.id };
}
