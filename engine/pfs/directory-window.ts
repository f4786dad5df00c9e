// Some of the entries of a directory, by their places: what a page of a list costs, however many there are.

import type { GitObjects } from '../git/git-objects.ts';
import type { TreeEntry } from '../git/tree.ts';
import { ATTRIBUTES_NAME, isOwnAttributes } from './attributes.ts';
import { insertionPoint, readEntries } from './directory.ts';

/** From so many files on, decoding all of a directory for some of it is too much. */
const MANY_FILES = 50_000;

/** The entries of a directory in Git's order, as users see them. */
export interface DirectoryWindow {
  readonly count: number;
  /** Returns the entries from one place to before another. */
  slice(start: number, end: number): readonly TreeEntry[];
  /** Returns the place of the first entry that does not stand before this one. */
  placeOf(entry: Pick<TreeEntry, 'name' | 'mode'>): number;
}

/** Opens the directory of a tree. */
export async function openWindow(objects: GitObjects, tree: string): Promise<DirectoryWindow> {
  const { files } = await objects.stat(tree);
  if (files < MANY_FILES || !objects.readPackedTree) {
    return wholeWindow(await readEntries(objects, tree));
  }
  const packed = await objects.readPackedTree(tree);
  const attributes = { name: ATTRIBUTES_NAME, mode: '100644', id: '' } as const;
  const hidden = packed.placeOf(attributes);
  const [at] = packed.slice(hidden, hidden + 1);
  const isHidden =
    at?.name === ATTRIBUTES_NAME && isOwnAttributes(at.name, await objects.readBlob(at.id));
  if (!isHidden) {
    return {
      count: packed.count,
      slice: (start, end) => packed.slice(start, end),
      placeOf: (entry) => packed.placeOf({ ...entry, id: '' }),
    };
  }
  return {
    count: packed.count - 1,
    slice: (start, end) => [
      ...packed.slice(start, Math.min(end, hidden)),
      ...packed.slice(Math.max(start, hidden) + 1, end + 1),
    ],
    placeOf: (entry) => {
      const place = packed.placeOf({ ...entry, id: '' });
      return place > hidden ? place - 1 : place;
    },
  };
}

function wholeWindow(entries: readonly TreeEntry[]): DirectoryWindow {
  return {
    count: entries.length,
    slice: (start, end) => entries.slice(start, end),
    placeOf: (entry) => insertionPoint(entries, { ...entry, id: '' }),
  };
}
