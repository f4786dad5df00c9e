// Applying the edits of a commit to the tree it starts from.

import type { Edit } from '../journal/records.ts';
import { collision } from './directory.ts';
import { findFile, isDirectory } from './files.ts';
import { mergeTrees, removePath, setPath } from './tree-edit.ts';
import type { WriteSession } from './write-session.ts';

/**
 * Returns the tree that `edits`, in order, make of `tree`; null is the empty tree. Rejects with `invalid` where a path
 * would be a file and a directory at once.
 */
export async function applyEdits(
  session: WriteSession,
  tree: string | null,
  edits: readonly Edit[],
): Promise<string | null> {
  let next = tree;
  for (const edit of edits) {
    next = await applyEdit(session, next, edit);
  }
  return next;
}

async function applyEdit(
  session: WriteSession,
  tree: string | null,
  edit: Edit,
): Promise<string | null> {
  switch (edit.kind) {
    case 'overlay':
      return await mergeTrees(session, { base: tree, overlay: edit.tree });
    case 'delete':
      return await removePath(session, tree, edit.path);
    case 'set':
      return await setPath(session, tree, edit);
    case 'append':
      return await append(session, tree, edit);
    default: {
      const unknown: never = edit;
      return unknown;
    }
  }
}

async function append(
  session: WriteSession,
  tree: string | null,
  edit: Extract<Edit, { kind: 'append' }>,
): Promise<string | null> {
  const { path, entry } = edit;
  const present = await findFile(session, tree, path);
  if (present === undefined) {
    return await setPath(session, tree, { path, entry });
  }
  if (isDirectory(present)) {
    throw collision(path);
  }
  const file = session.newFile();
  for (const id of [present.id, entry.id]) {
    for await (const bytes of session.readFile(id)) {
      await file.write(bytes);
    }
  }
  const { id } = await file.finish();
  return await setPath(session, tree, { path, entry: { mode: present.mode, id } });
}
