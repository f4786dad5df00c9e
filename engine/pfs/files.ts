// Reading the files of a tree: look-up, listing, walking, globs. It sees directories as users do.

import { EngineError } from '../base/errors.ts';
import type { GitObjects } from '../git/git-objects.ts';
import type { TreeEntry, TreeMode } from '../git/tree.ts';
import { findEntry, readEntries } from './directory.ts';
import type { Glob } from './glob.ts';

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
    const entries = await readEntries(objects, found.id);
    const entry = findEntry(entries, name);
    if (entry === undefined) {
      return undefined;
    }
    found = { path: join(found.path, name), mode: entry.mode, id: entry.id };
  }
  return found;
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

/** Yields the children of a directory in path order, or the file itself. */
export async function* listDirectory(
  objects: GitObjects,
  entry: FileEntry,
): AsyncGenerator<FileEntry> {
  if (!isDirectory(entry)) {
    yield entry;
    return;
  }
  const entries = await readEntries(objects, entry.id);
  for (const child of entries) {
    yield childOf(entry, child);
  }
}

/** Yields every file below an entry, in path order. */
export async function* walkFiles(objects: GitObjects, entry: FileEntry): AsyncGenerator<FileEntry> {
  if (!isDirectory(entry)) {
    yield entry;
    return;
  }
  const entries = await readEntries(objects, entry.id);
  for (const child of entries) {
    if (child.mode === '40000') {
      yield* walkFiles(objects, childOf(entry, child));
    } else {
      yield childOf(entry, child);
    }
  }
}

/**
 * Yields the files and directories that match a glob, a directory before what it holds, and reads only
 * directories below which something can match. The root matches `/` unless the tree is empty.
 */
export async function* globFiles(
  objects: GitObjects,
  tree: string | null,
  glob: Glob,
): AsyncGenerator<FileEntry & { readonly captures: readonly string[] }> {
  if (tree === null) {
    return;
  }
  const root: FileEntry = { path: '', mode: '40000', id: tree };
  yield* matchBelow(objects, root, glob);
}

async function* matchBelow(
  objects: GitObjects,
  entry: FileEntry,
  glob: Glob,
): AsyncGenerator<FileEntry & { readonly captures: readonly string[] }> {
  const captures = glob.match(`/${entry.path}`);
  if (captures !== undefined) {
    yield { ...entry, captures };
  }
  if (!isDirectory(entry) || !glob.mayMatchBelow(`/${entry.path}`)) {
    return;
  }
  const entries = await readEntries(objects, entry.id);
  for (const child of entries) {
    yield* matchBelow(objects, childOf(entry, child), glob);
  }
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
