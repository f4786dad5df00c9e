// The union of many trees at once: what the datums of a job wrote, as one tree. No tree in between is written.

import { compareEntries, type TreeEntry } from '../git/tree.ts';
import {
  collision,
  findEntry,
  type GitSession,
  readDirectory,
  replaceEntries,
  writeDirectory,
} from './directory.ts';

/** Called for a path that two of the trees write; the numbers are their places in the list. */
export type OnClash = (path: string, first: number, second: number) => void;

interface Member {
  readonly tree: string;
  readonly number: number;
}

/** What several trees have under one name. */
interface Union {
  readonly entry: TreeEntry;
  readonly members: Member[];
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
  const [first, ...others] = members;
  if (first === undefined) {
    return null;
  }
  if (others.length === 0 && path !== '') {
    return first.tree;
  }
  // The first is as a rule what stood before, and by far the largest: it is gone through once, in order.
  const base = await readDirectory(session, first.tree);
  const large = new Set(base.large);
  const names = new Map<string, Union>();
  for (const { tree, number } of others) {
    const directory = await readDirectory(session, tree);
    for (const entry of directory.entries) {
      const member = { tree: entry.id, number };
      const isTree = entry.mode === '40000';
      const known = names.get(entry.name) ?? startUnion(base.entries, entry.name, first.number);
      if (known === undefined) {
        names.set(entry.name, { entry, members: [member] });
      } else if ((known.entry.mode === '40000') !== isTree) {
        throw collision(join(path, entry.name));
      } else if (isTree) {
        known.members.push(member);
        names.set(entry.name, known);
      } else {
        onClash(join(path, entry.name), known.members[0]?.number ?? 0, number);
        names.set(entry.name, { entry, members: [member] });
        large.delete(entry.name);
      }
      if (directory.large.has(entry.name)) {
        large.add(entry.name);
      }
    }
  }
  const added: TreeEntry[] = [];
  for (const { entry, members: below } of names.values()) {
    const at = join(path, entry.name);
    const id =
      entry.mode === '40000' && below.length > 1
        ? await unite(session, below, { path: at, onClash })
        : entry.id;
    added.push({ ...entry, id: id ?? entry.id });
  }
  const entries = replaceEntries(base.entries, names, added.sort(compareEntries));
  return await writeDirectory(
    session,
    { entries, large },
    { isRoot: path === '', base: first.tree },
  );
}

function startUnion(
  entries: readonly TreeEntry[],
  name: string,
  number: number,
): Union | undefined {
  const entry = findEntry(entries, name);
  return entry && { entry, members: [{ tree: entry.id, number }] };
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
