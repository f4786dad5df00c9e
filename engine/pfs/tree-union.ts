// The union of many trees at once: what the datums of a job wrote, as one tree. No tree in between is written.

import { compareEntries, type TreeEntry } from '../git/tree.ts';
import {
  collision,
  type Directory,
  type GitSession,
  readDirectory,
  writeDirectory,
} from './directory.ts';

/** Called for a path that two of the trees write; the numbers are their places in the list. */
export type OnClash = (path: string, first: number, second: number) => void;

interface Member {
  readonly tree: string;
  readonly number: number;
}

/**
 * Returns the tree that has every file of `trees` (null: an empty one). `onClash` may throw to refuse a path that two
 * have; otherwise the later one stands. Rejects with `invalid` where a path would be a file and a directory.
 */
export async function uniteTrees(
  session: GitSession,
  trees: readonly (string | null)[],
  onClash: OnClash,
): Promise<string | null> {
  const members = trees.flatMap((tree, number) => (tree === null ? [] : [{ tree, number }]));
  return await unite(session, members, { path: '', onClash });
}

async function unite(
  session: GitSession,
  members: readonly Member[],
  options: { readonly path: string; readonly onClash: OnClash },
): Promise<string | null> {
  const { path, onClash } = options;
  const [first] = members;
  if (first === undefined) {
    return null;
  }
  if (members.length === 1 && path !== '') {
    return first.tree;
  }
  const names = new Map<string, { entry: TreeEntry; members: Member[] }>();
  const large = new Set<string>();
  for (const member of members) {
    const directory = await readDirectory(session, member.tree);
    for (const entry of directory.entries) {
      const at = join(path, entry.name);
      const isTree = entry.mode === '40000';
      const known = names.get(entry.name);
      if (known && (known.entry.mode === '40000') !== isTree) {
        throw collision(at);
      }
      if (known && !isTree) {
        onClash(at, known.members[0]?.number ?? 0, member.number);
        large.delete(entry.name);
      }
      if (known && isTree) {
        known.members.push({ tree: entry.id, number: member.number });
      } else {
        names.set(entry.name, { entry, members: [{ tree: entry.id, number: member.number }] });
      }
      if (directory.large.has(entry.name)) {
        large.add(entry.name);
      }
    }
  }
  const entries: TreeEntry[] = [];
  for (const { entry, members: below } of names.values()) {
    if (entry.mode === '40000' && below.length > 1) {
      const at = join(path, entry.name);
      const id = await unite(session, below, { path: at, onClash });
      entries.push({ ...entry, id: id ?? entry.id });
    } else {
      entries.push(entry);
    }
  }
  const directory: Directory = { entries: entries.sort(compareEntries), large };
  return await writeDirectory(session, directory, { isRoot: path === '' });
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
