// Changing trees: each edit rewrites the directories on the way to what changed, and nothing else.

import { EngineError } from '../base/errors.ts';
import { compareEntries, type TreeEntry, type TreeMode } from '../git/tree.ts';
import type { EntryRef } from '../journal/records.ts';
import {
  collision,
  type Directory,
  EMPTY_DIRECTORY,
  findEntry,
  type GitSession,
  isPointer,
  readDirectory,
  writeDirectory,
} from './directory.ts';

/** Where in the tree a directory stands; the root's path is ''. */
interface Place {
  readonly path: string;
}

/** What to do when both trees have a file at one path. */
export interface MergeOptions {
  /** Called for a path that both have; throws to refuse. Where absent, the upper file wins. */
  readonly onBoth?: (path: string) => void;
}

/**
 * Returns `base` with every file of `overlay` put at its path. Reads and writes only directories that both have.
 * Rejects with `invalid` where a path would be a file and a directory at once.
 */
export async function mergeTrees(
  session: GitSession,
  trees: { readonly base: string | null; readonly overlay: string | null },
  options: MergeOptions = {},
): Promise<string | null> {
  return await merge(session, trees, { ...options, path: '' });
}

async function merge(
  session: GitSession,
  trees: { readonly base: string | null; readonly overlay: string | null },
  options: MergeOptions & Place,
): Promise<string | null> {
  const { path } = options;
  const isRoot = path === '';
  if (trees.overlay === null) {
    return trees.base;
  }
  if (trees.base === null && !isRoot) {
    return trees.overlay;
  }
  const base = await readDirectory(session, trees.base);
  const overlay = await readDirectory(session, trees.overlay);
  const merged = new Map<string, TreeEntry>();
  for (const entry of overlay.entries) {
    const below = findEntry(base.entries, entry.name);
    const at = join(path, entry.name);
    if (below === undefined) {
      continue;
    }
    if ((below.mode === '40000') !== (entry.mode === '40000')) {
      throw collision(at);
    }
    if (entry.mode === '40000') {
      const id = await merge(
        session,
        { base: below.id, overlay: entry.id },
        { ...options, path: at },
      );
      merged.set(entry.name, { ...entry, id: id ?? entry.id });
    } else {
      options.onBoth?.(at);
    }
  }
  const large = new Set(base.large);
  for (const { name } of overlay.entries) {
    large.delete(name);
  }
  for (const name of overlay.large) {
    large.add(name);
  }
  const entries = mergeSorted(base.entries, overlay.entries, merged);
  return await writeDirectory(session, { entries, large }, { isRoot });
}

/** Merges two ordered lists; where both have a name the overlay's entry, or what `merged` has for it, stands. */
function mergeSorted(
  base: readonly TreeEntry[],
  overlay: readonly TreeEntry[],
  merged: ReadonlyMap<string, TreeEntry>,
): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let i = 0;
  for (const entry of overlay) {
    for (let at = base[i]; at && compareEntries(at, entry) < 0; at = base[i]) {
      entries.push(at);
      i += 1;
    }
    if (base[i]?.name === entry.name) {
      i += 1;
    }
    entries.push(merged.get(entry.name) ?? entry);
  }
  for (; i < base.length; i++) {
    const at = base[i];
    if (at) {
      entries.push(at);
    }
  }
  return entries;
}

/**
 * Returns `tree` without what stands at `path`; an absent path changes nothing. The path '' empties it. Directories
 * that become empty vanish.
 */
export async function removePath(
  session: GitSession,
  tree: string | null,
  path: string,
): Promise<string | null> {
  return path === ''
    ? null
    : await rewrite(session, { tree, rest: path.split('/'), path: '' }, async (directory, name) =>
        replaceEntry(directory, name, undefined),
      );
}

/**
 * Returns `tree` with `entry`, a file or a whole directory, at `path`, replacing what stands there. Rejects with
 * `invalid` where a segment on the way is a file.
 */
export async function setPath(
  session: GitSession,
  tree: string | null,
  change: { readonly path: string; readonly entry: EntryRef },
): Promise<string | null> {
  const { path, entry } = change;
  const mode = entry.mode as TreeMode;
  const source = mode === '40000' ? await readDirectory(session, entry.id) : undefined;
  if (path === '') {
    if (source === undefined) {
      throw new EngineError('invalid', 'Cannot put a file at "/": name a path below it');
    }
    return await writeDirectory(session, source, { isRoot: true });
  }
  // A root's tree is not like that of a directory: ours says more at a root.
  const id = source ? await writeDirectory(session, source, { isRoot: false }) : entry.id;
  if (id === null) {
    return tree;
  }
  const isLarge = source === undefined && (await isPointer(session, id));
  return await rewrite(
    session,
    { tree, rest: path.split('/'), path: '' },
    async (directory, name) =>
      replaceEntry(directory, name, { entry: { name, mode, id }, isLarge }),
  );
}

async function rewrite(
  session: GitSession,
  at: { readonly tree: string | null; readonly rest: readonly string[]; readonly path: string },
  change: (directory: Directory, name: string) => Promise<Directory>,
): Promise<string | null> {
  const [name = '', ...rest] = at.rest;
  const directory = at.tree === null ? EMPTY_DIRECTORY : await readDirectory(session, at.tree);
  const isRoot = at.path === '';
  if (rest.length === 0) {
    return await writeDirectory(session, await change(directory, name), { isRoot });
  }
  const below = findEntry(directory.entries, name);
  const path = join(at.path, name);
  if (below && below.mode !== '40000') {
    throw collision(path);
  }
  const id = await rewrite(session, { tree: below?.id ?? null, rest, path }, change);
  if (id === (below?.id ?? null)) {
    return at.tree;
  }
  const entry =
    id === null ? undefined : { entry: { name, mode: '40000' as const, id }, isLarge: false };
  return await writeDirectory(session, replaceEntry(directory, name, entry), { isRoot });
}

function replaceEntry(
  directory: Directory,
  name: string,
  by: { readonly entry: TreeEntry; readonly isLarge: boolean } | undefined,
): Directory {
  const entries = directory.entries.filter((entry) => entry.name !== name);
  const large = new Set(directory.large);
  large.delete(name);
  if (by) {
    const at = entries.findIndex((entry) => compareEntries(entry, by.entry) > 0);
    entries.splice(at < 0 ? entries.length : at, 0, by.entry);
    if (by.isLarge) {
      large.add(name);
    }
  }
  return { entries, large };
}

/**
 * Returns `tree` without the files of `lower`, at the cost of the directories both have: taking back what an earlier
 * {@link mergeTrees} put in. Files that differ meanwhile go too.
 */
export async function subtractTree(
  session: GitSession,
  tree: string | null,
  lower: string | null,
): Promise<string | null> {
  return await subtract(session, { tree, lower }, { path: '' });
}

async function subtract(
  session: GitSession,
  trees: { readonly tree: string | null; readonly lower: string | null },
  { path }: Place,
): Promise<string | null> {
  if (trees.tree === null || trees.lower === null) {
    return trees.tree;
  }
  if (trees.tree === trees.lower) {
    return null;
  }
  const upper = await readDirectory(session, trees.tree);
  const lower = await readDirectory(session, trees.lower);
  const gone = new Set<string>();
  const changed = new Map<string, TreeEntry>();
  for (const entry of lower.entries) {
    const at = findEntry(upper.entries, entry.name);
    if (at === undefined || (at.mode === '40000') !== (entry.mode === '40000')) {
      continue;
    }
    if (at.mode !== '40000') {
      gone.add(at.name);
      continue;
    }
    const id = await subtract(
      session,
      { tree: at.id, lower: entry.id },
      { path: join(path, entry.name) },
    );
    if (id === null) {
      gone.add(at.name);
    } else {
      changed.set(at.name, { ...at, id });
    }
  }
  const entries = upper.entries
    .filter((entry) => !gone.has(entry.name))
    .map((entry) => changed.get(entry.name) ?? entry);
  const large = new Set([...upper.large].filter((name) => !gone.has(name)));
  return await writeDirectory(session, { entries, large }, { isRoot: path === '' });
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
