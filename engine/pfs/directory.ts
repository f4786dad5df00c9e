// A directory as users see it, read from and written to a Git tree: our attributes apart from the entries.

import { EngineError } from '../base/errors.ts';
import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { parsePointer } from '../content/pointer.ts';
import type { GitObjects } from '../git/git-objects.ts';
import { checkSpecialContent, specialFile } from '../git/special-files.ts';
import { compareEntries, type TreeEntry } from '../git/tree.ts';
import { ATTRIBUTES_NAME, decodeAttributes, encodeAttributes } from './attributes.ts';

/** Git objects that can be read and added to: a write session. */
export interface GitSession extends GitObjects {
  blob(bytes: Buffer, options?: { hidden?: boolean }): string | Promise<string>;
  /** Naming the tree that this one is a changed copy of makes it cost what changed. */
  tree(
    entries: readonly TreeEntry[],
    options?: { readonly base?: string | null },
  ): string | Promise<string>;
}

/** A directory: its entries in Git's order, and which of its files are large. */
export interface Directory {
  readonly entries: readonly TreeEntry[];
  readonly large: ReadonlySet<string>;
}

/** As {@link Directory}, but `large` undefined where a user's own attributes stand: only the files can tell. */
export interface StoredDirectory {
  readonly entries: readonly TreeEntry[];
  readonly large: ReadonlySet<string> | undefined;
}

/** Up to this many changes moving the rest of a large directory along is quicker than going through it. */
const FEW_CHANGES = 16;

export const EMPTY_DIRECTORY: Directory = { entries: [], large: new Set() };

/** Reads a tree; null is the empty one. */
export async function readDirectory(objects: GitObjects, tree: string | null): Promise<Directory> {
  const { entries, large } = await readStored(objects, tree);
  return { entries, large: large ?? (await findLarge(objects, entries)) };
}

/** Returns the entries of a tree as users see them. Shared: not to be changed. */
export async function readEntries(
  objects: GitObjects,
  tree: string | null,
): Promise<readonly TreeEntry[]> {
  return (await readStored(objects, tree)).entries;
}

/** Reads what a tree says without looking into its files. */
export async function readStored(
  objects: GitObjects,
  tree: string | null,
): Promise<StoredDirectory> {
  if (tree === null) {
    return EMPTY_DIRECTORY;
  }
  const entries = await objects.readTree(tree);
  const at = indexOf(entries, ATTRIBUTES_NAME);
  const attributes = entries[at];
  if (attributes === undefined || attributes.mode === '40000') {
    return { entries, large: new Set() };
  }
  const large = decodeAttributes(await objects.readBlob(attributes.id));
  // Where a user's own attributes stand, ours can't.
  return large === undefined ? { entries, large } : { entries: without(entries, at), large };
}

/**
 * Writes a directory, a changed copy of the tree `base` if named; returns its tree, or null when nothing is in it.
 * Rejects with `invalid` a name, or a file that Git itself reads, which a strict check by Git would not pass.
 */
export async function writeDirectory(
  session: GitSession,
  directory: Directory,
  options: { readonly isRoot: boolean; readonly base?: string | null },
): Promise<string | null> {
  const { isRoot, base = null } = options;
  if (directory.entries.length === 0) {
    return null;
  }
  let { entries } = directory;
  await checkSpecialFiles(session, directory);
  if (indexOf(entries, ATTRIBUTES_NAME) < 0) {
    const attributes = encodeAttributes(directory.large, { isRoot });
    if (attributes) {
      const entry: TreeEntry = {
        name: ATTRIBUTES_NAME,
        mode: '100644',
        id: await session.blob(attributes, { hidden: true }),
      };
      const at = insertionPoint(entries, entry);
      entries = [...entries.slice(0, at), entry, ...entries.slice(at)];
    }
  }
  return await session.tree(entries, { base });
}

async function checkSpecialFiles(objects: GitObjects, directory: Directory): Promise<void> {
  for (const { name, mode, id } of directory.entries) {
    // A large one is a pointer, in which Git finds nothing.
    if (specialFile(name) !== undefined && mode !== '40000' && !directory.large.has(name)) {
      checkSpecialContent(name, await objects.readBlob(id));
    }
  }
}

/** Finds the entry of that name in entries that are in Git's order. */
export function findEntry(entries: readonly TreeEntry[], name: string): TreeEntry | undefined {
  return entries[indexOf(entries, name)];
}

function indexOf(entries: readonly TreeEntry[], name: string): number {
  // A directory sorts as if its name ended in a slash, so a name can stand in two places.
  for (const mode of ['100644', '40000'] as const) {
    const at = insertionPoint(entries, { name, mode, id: '' });
    if (entries[at]?.name === name) {
      return at;
    }
  }
  return -1;
}

function without(entries: readonly TreeEntry[], at: number): readonly TreeEntry[] {
  return [...entries.slice(0, at), ...entries.slice(at + 1)];
}

/** Returns ordered entries without the names that changed, and with `added`, ordered too, in their places. */
export function replaceEntries(
  before: readonly TreeEntry[],
  changes: ReadonlyMap<string, unknown>,
  added: readonly TreeEntry[],
): TreeEntry[] {
  if (changes.size <= FEW_CHANGES) {
    const entries = [...before];
    for (const name of changes.keys()) {
      const at = indexOf(entries, name);
      if (at >= 0) {
        entries.splice(at, 1);
      }
    }
    for (const entry of added) {
      entries.splice(insertionPoint(entries, entry), 0, entry);
    }
    return entries;
  }
  const entries: TreeEntry[] = [];
  let next = 0;
  for (const entry of before) {
    for (let at = added[next]; at && compareEntries(at, entry) < 0; at = added[next]) {
      entries.push(at);
      next += 1;
    }
    if (!changes.has(entry.name)) {
      entries.push(entry);
    }
  }
  for (const at of added.slice(next)) {
    entries.push(at);
  }
  return entries;
}

/** Returns where `entry` stands, or would stand, among entries in Git's order. */
export function insertionPoint(entries: readonly TreeEntry[], entry: TreeEntry): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = entries[middle];
    if (at && compareEntries(at, entry) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Returns whether the blob is the pointer of a large file. */
export async function isPointer(objects: GitObjects, id: string): Promise<boolean> {
  const { size } = await objects.stat(id);
  // The size is the large file's own, so a pointer's blob can be small or large by it: only reading tells.
  if (size > MAX_POINTER_BYTES && size <= 1024 * 1024) {
    return false;
  }
  return parsePointer(await objects.readBlob(id)) !== undefined;
}

/** Returns which files are large by looking into each that could be. */
export async function findLarge(
  objects: GitObjects,
  entries: readonly TreeEntry[],
): Promise<Set<string>> {
  const large = new Set<string>();
  for (const { name, mode, id } of entries) {
    if (mode !== '40000' && (await isPointer(objects, id))) {
      large.add(name);
    }
  }
  return large;
}

/** The error for a path that would be a file and a directory at once. */
export function collision(path: string): EngineError {
  return new EngineError(
    'invalid',
    `Cannot store "/${path}": it would be a file and a directory at once; delete one of them first`,
  );
}
