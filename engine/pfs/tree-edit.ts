// Changing trees by one edit: each rewrites the directories on the way to what changed, and nothing else.

import type { EntryRef } from '../journal/records.ts';
import type { GitSession } from './directory.ts';
import { type MergeOptions, TreeDraft } from './tree-draft.ts';

/**
 * Returns `base` with every file of `overlay` put at its path. Reads and writes only directories that both have.
 * Rejects with `invalid` where a path would be a file and a directory at once.
 */
export async function mergeTrees(
  session: GitSession,
  trees: { readonly base: string | null; readonly overlay: string | null },
  options: MergeOptions = {},
): Promise<string | null> {
  const draft = new TreeDraft(session, trees.base);
  await draft.merge(trees.overlay, options);
  return await draft.write(session);
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
  const draft = new TreeDraft(session, tree);
  await draft.remove(path);
  return await draft.write(session);
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
  const draft = new TreeDraft(session, tree);
  await draft.set(change.path, change.entry);
  return await draft.write(session);
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
  const draft = new TreeDraft(session, tree);
  await draft.subtract(lower);
  return await draft.write(session);
}
