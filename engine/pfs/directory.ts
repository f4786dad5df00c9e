// A directory as users see it, read from and written to a Git tree: our attributes apart from the entries.

import { EngineError } from '../base/errors.ts';
import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { parsePointer } from '../content/pointer.ts';
import type { GitObjects } from '../git/git-objects.ts';
import { compareEntries, type TreeEntry } from '../git/tree.ts';
import {
  ATTRIBUTES_NAME,
  decodeAttributes,
  encodeAttributes,
  isOwnAttributes,
} from './attributes.ts';

/** Git objects that can be read and added to: a write session. */
export interface GitSession extends GitObjects {
  blob(bytes: Buffer, options?: { hidden?: boolean }): string | Promise<string>;
  tree(entries: readonly TreeEntry[]): string | Promise<string>;
}

/** A directory: its entries in Git's order, and which of its files are large. */
export interface Directory {
  readonly entries: readonly TreeEntry[];
  readonly large: ReadonlySet<string>;
}

export const EMPTY_DIRECTORY: Directory = { entries: [], large: new Set() };

/** Reads a tree; null is the empty one. */
export async function readDirectory(objects: GitObjects, tree: string | null): Promise<Directory> {
  if (tree === null) {
    return EMPTY_DIRECTORY;
  }
  const entries = await objects.readTree(tree);
  const attributes = findEntry(entries, ATTRIBUTES_NAME);
  if (attributes === undefined || attributes.mode === '40000') {
    return { entries, large: new Set() };
  }
  const content = await objects.readBlob(attributes.id);
  if (isOwnAttributes(ATTRIBUTES_NAME, content)) {
    return {
      entries: entries.filter((entry) => entry !== attributes),
      large: decodeAttributes(content),
    };
  }
  // A user's own attributes stand where ours would: which files are large only the files themselves can tell.
  return { entries, large: await findLarge(objects, entries) };
}

/** Writes a directory and returns its tree, or null when nothing is in it. */
export async function writeDirectory(
  session: GitSession,
  directory: Directory,
  options: { readonly isRoot: boolean },
): Promise<string | null> {
  if (directory.entries.length === 0) {
    return null;
  }
  const entries = [...directory.entries];
  if (findEntry(entries, ATTRIBUTES_NAME) === undefined) {
    const attributes = encodeAttributes(directory.large, options);
    if (attributes) {
      const entry: TreeEntry = {
        name: ATTRIBUTES_NAME,
        mode: '100644',
        id: await session.blob(attributes, { hidden: true }),
      };
      entries.splice(insertionPoint(entries, entry), 0, entry);
    }
  }
  return await session.tree(entries);
}

/** Finds the entry of that name in entries that are in Git's order. */
export function findEntry(entries: readonly TreeEntry[], name: string): TreeEntry | undefined {
  // A directory sorts as if its name ended in a slash, so a name can stand in two places.
  for (const mode of ['100644', '40000'] as const) {
    const at = insertionPoint(entries, { name, mode, id: '' });
    const entry = entries[at];
    if (entry?.name === name) {
      return entry;
    }
  }
  return undefined;
}

/** Returns where `entry` stands, or would stand, among entries in Git's order. */
function insertionPoint(entries: readonly TreeEntry[], entry: TreeEntry): number {
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

async function findLarge(objects: GitObjects, entries: readonly TreeEntry[]): Promise<Set<string>> {
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
