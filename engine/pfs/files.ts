// Reading the files of a tree: look-up, listing, walking, globs. It sees directories as users do.

import { EngineError } from '../base/errors.ts';
import type { GitObjects } from '../git/git-objects.ts';
import type { TreeEntry, TreeMode } from '../git/tree.ts';
import { readEntries } from './directory.ts';
import { type DirectoryWindow, openWindow } from './directory-window.ts';
import type { Glob } from './glob.ts';

const SLICE = 4096;

/** A file or directory of a tree. Paths have no leading slash; the root's is ''. */
export interface FileEntry {
  readonly path: string;
  readonly mode: TreeMode;
  /** Git blob or tree. */
  readonly id: string;
}

/** A file or directory with what it holds: bytes, and files (1 for a file). */
export interface FileInfo extends FileEntry {
  readonly size: number;
  readonly files: number;
}

/** A file or directory that a glob matches, with what its groups captured. */
export interface GlobMatch extends FileInfo {
  readonly captures: readonly string[];
}

/** Returns whether an entry is a symbolic link that was kept: its content is its target. */
export function isLink(entry: { readonly mode: string }): boolean {
  return entry.mode === '120000';
}

export function isDirectory(entry: { readonly mode: string }): boolean {
  return entry.mode === '40000';
}

/** Adds size and file count to an entry. */
export async function withStat(objects: GitObjects, entry: FileEntry): Promise<FileInfo> {
  const { size, files } = await objects.stat(entry.id);
  return { ...entry, size, files };
}

/** Finds what stands at a path, or undefined. An empty tree (null) has nothing but its root, which is not found. */
export async function findFile(
  objects: GitObjects,
  tree: string | null,
  path: string,
): Promise<FileEntry | undefined> {
  if (tree === null) {
    return undefined;
  }
  let found: FileEntry = { path: '', mode: '40000', id: tree };
  if (path === '') {
    return found;
  }
  for (const name of path.split('/')) {
    if (!isDirectory(found)) {
      return undefined;
    }
    const entry: TreeEntry | undefined = await findChild(objects, found.id, name);
    if (entry === undefined) {
      return undefined;
    }
    found = { path: join(found.path, name), mode: entry.mode, id: entry.id };
  }
  return found;
}

/** Finds the entry of that name in a directory. */
async function findChild(
  objects: GitObjects,
  tree: string,
  name: string,
): Promise<TreeEntry | undefined> {
  const window = await openWindow(objects, tree);
  // A directory sorts as if its name ended in a slash, so a name can stand in two places.
  for (const mode of ['100644', '40000'] as const) {
    const place = window.placeOf({ name, mode });
    const [entry] = window.slice(place, place + 1);
    if (entry?.name === name) {
      return entry;
    }
  }
  return undefined;
}

/** As {@link findFile}, but rejects with `not_found`; `where` names the commit for the message. */
export async function resolveFile(
  objects: GitObjects,
  tree: string | null,
  options: { readonly path: string; readonly where: string },
): Promise<FileEntry> {
  const found = await findFile(objects, tree, options.path);
  if (found === undefined) {
    throw new EngineError('not_found', `Cannot find file "/${options.path}" in ${options.where}`);
  }
  return found;
}

/** Where a part of a directory begins: at a place, or at the first entry that is not before a name or after an entry. */
export type Beginning =
  | { readonly offset: number }
  | { readonly from: string }
  | { readonly after: string };

/** A part of a directory, and how many entries all of it has. */
export interface DirectoryPart {
  readonly entries: readonly FileEntry[];
  readonly offset: number;
  readonly total: number;
}

/**
 * Returns the children of a directory from some place on, in path order, at the cost of those; of a file, the file itself. To
 * go on `after` an entry, name it as it is shown ({@link shownPath}); rejects with `conflict` where it is not there.
 */
export async function listPart(
  objects: GitObjects,
  entry: FileEntry,
  { begin, limit }: { readonly begin: Beginning; readonly limit: number },
): Promise<DirectoryPart> {
  if (!isDirectory(entry)) {
    return { entries: [entry], offset: 0, total: 1 };
  }
  const window = await openWindow(objects, entry.id);
  const offset = Math.min(beginningOf(window, begin), window.count);
  const children = window.slice(offset, offset + limit).map((child) => childOf(entry, child));
  return { entries: children, offset, total: window.count };
}

function beginningOf(window: DirectoryWindow, begin: Beginning): number {
  if ('offset' in begin) {
    return begin.offset;
  }
  const shown = 'from' in begin ? begin.from : begin.after;
  const name = shown.replace(/\/$/, '').replace(/^.*\//s, '');
  const mode = shown.endsWith('/') ? '40000' : '100644';
  const place = window.placeOf({ name, mode });
  if ('from' in begin) {
    return place;
  }
  if (window.slice(place, place + 1)[0]?.name !== name) {
    throw gone(shown);
  }
  return place + 1;
}

/**
 * Yields every file below an entry, in path order; with `after`, a file of it as it is shown ({@link shownPath}), only what
 * follows, at the cost of that. Rejects with `conflict` where `after` is not there.
 */
export async function* walkFiles(
  objects: GitObjects,
  entry: FileEntry,
  after?: string,
): AsyncGenerator<FileEntry> {
  if (!isDirectory(entry)) {
    if (after === undefined) {
      yield entry;
    }
    return;
  }
  const { entries, holding } = await openRest(objects, entry, after);
  for (const child of entries) {
    if (child.mode === '40000') {
      yield* walkFiles(objects, childOf(entry, child), child === holding ? after : undefined);
    } else {
      yield childOf(entry, child);
    }
  }
}

/**
 * Yields the files and directories that match a glob, a directory before what it holds, and reads only
 * directories below which something can match. The root matches `/` unless the tree is empty. `after` as for
 * {@link walkFiles}.
 */
export async function* globFiles(
  objects: GitObjects,
  tree: string | null,
  { glob, after }: { readonly glob: Glob; readonly after?: string | undefined },
): AsyncGenerator<FileEntry & { readonly captures: readonly string[] }> {
  if (tree === null) {
    return;
  }
  const root: FileEntry = { path: '', mode: '40000', id: tree };
  const captures = after === undefined ? glob.match('/') : undefined;
  if (captures !== undefined) {
    yield { ...root, captures };
  }
  yield* matchBelow(objects, root, { glob, after });
}

async function* matchBelow(
  objects: GitObjects,
  directory: FileEntry,
  { glob, after }: { readonly glob: Glob; readonly after: string | undefined },
): AsyncGenerator<FileEntry & { readonly captures: readonly string[] }> {
  if (!glob.mayMatchBelow(`/${directory.path}`)) {
    return;
  }
  const { entries, holding } = await openRest(objects, directory, after);
  for (const entry of entries) {
    const child = childOf(directory, entry);
    const captures = entry === holding ? undefined : glob.match(`/${child.path}`);
    if (captures !== undefined) {
      yield { ...child, captures };
    }
    if (isDirectory(child)) {
      yield* matchBelow(objects, child, { glob, after: entry === holding ? after : undefined });
    }
  }
}

/** What of a directory a walk still has to go through. */
interface Rest {
  readonly entries: Iterable<TreeEntry>;
  /** The first of them where it is the directory to go on after, or holds what to go on after. */
  readonly holding?: TreeEntry | undefined;
}

async function openRest(
  objects: GitObjects,
  directory: FileEntry,
  after: string | undefined,
): Promise<Rest> {
  const top = directory.path === '' ? '/' : `/${directory.path}/`;
  if (after === undefined || after === top) {
    return { entries: await readEntries(objects, directory.id) };
  }
  const [name = '', ...below] = after.slice(top.length).split('/');
  const window = await openWindow(objects, directory.id);
  const place = window.placeOf({ name, mode: below.length > 0 ? '40000' : '100644' });
  const [found] = window.slice(place, place + 1);
  if (!after.startsWith(top) || found?.name !== name || isDirectory(found) !== below.length > 0) {
    throw gone(after);
  }
  if (below.length === 0) {
    return { entries: slices(window, place + 1) };
  }
  return { entries: following(found, slices(window, place + 1)), holding: found };
}

/** Yields the entries from some place on; a walk that ends early has decoded few of them. */
function* slices(window: DirectoryWindow, start: number): Generator<TreeEntry> {
  for (let at = start; at < window.count; at += SLICE) {
    yield* window.slice(at, at + SLICE);
  }
}

function* following<T>(first: T, rest: Iterable<T>): Generator<T> {
  yield first;
  yield* rest;
}

/** What to say where a list can't go on after something, since that is not there. */
export function gone(shown: string): EngineError {
  return new EngineError(
    'conflict',
    `Cannot go on with the list after "${shown}": that is no longer in it; ask for the list again`,
  );
}

/** How a path is shown and sorted: with a leading slash, a directory's with one at its end. */
export function shownPath(entry: FileEntry): string {
  return isDirectory(entry) && entry.path !== '' ? `/${entry.path}/` : `/${entry.path}`;
}

function childOf(parent: FileEntry, child: TreeEntry): FileEntry {
  return { path: join(parent.path, child.name), mode: child.mode, id: child.id };
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
