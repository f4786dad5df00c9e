// Applying the edits of a commit to the tree it starts from.

import type { Edit } from '../journal/records.ts';
import { TreeDraft } from './tree-draft.ts';
import type { WriteSession } from './write-session.ts';

/**
 * Returns the tree that `edits`, in order, make of `tree`; null is the empty tree. However many edits there are, each
 * directory that they change is written once. Rejects with `invalid` where a path would be a file and a directory.
 */
export async function applyEdits(
  session: WriteSession,
  tree: string | null,
  edits: readonly Edit[],
): Promise<string | null> {
  const draft = new TreeDraft(session, tree, { join: (ids) => joinFiles(session, ids) });
  for (const edit of edits) {
    await applyEdit(draft, edit);
  }
  return await draft.write(session);
}

/** Applies one edit to a draft, which must not be written any more once this rejects. */
export async function applyEdit(draft: TreeDraft, edit: Edit): Promise<void> {
  switch (edit.kind) {
    case 'overlay':
      return await draft.merge(edit.tree);
    case 'delete':
      return await draft.remove(edit.path);
    case 'set':
      return await draft.set(edit.path, edit.entry);
    case 'append':
      return await draft.append(edit.path, edit.entry);
    case 'extend':
      return await draft.extend(edit.path, edit.tree);
    default: {
      const unknown: never = edit;
      return unknown;
    }
  }
}

async function joinFiles(session: WriteSession, ids: readonly string[]) {
  const file = session.newFile();
  for (const id of ids) {
    for await (const bytes of session.readFile(id)) {
      await file.write(bytes);
    }
  }
  return await file.finish();
}
