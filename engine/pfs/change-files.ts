// Deleting and copying files: edits without new bytes.

import { EngineError } from '../base/errors.ts';
import { checkPath } from '../git/names.ts';
import type { CommitRecord, Edit, RepoKey } from '../journal/records.ts';
import type { CommitQueue, Guard } from './commit-queue.ts';
import { openTree } from './commits.ts';
import type { PfsContext, Request } from './context.ts';
import { isDirectory, resolveFile } from './files.ts';
import { normalizePath } from './names.ts';
import { commitEdits, type Target } from './upload.ts';

/** Deletes files and directories; absent ones are left alone. */
export async function deleteFiles(
  context: PfsContext,
  queue: CommitQueue,
  change: {
    readonly target: Target;
    readonly paths: readonly string[];
    readonly guard?: Guard | undefined;
    readonly request: Request;
  },
): Promise<CommitRecord> {
  const { target, paths, guard, request } = change;
  const edits = paths.map((path) => ({ kind: 'delete' as const, path: normalizePath(path) }));
  return await commitEdits(context, queue, {
    target,
    edits,
    guard,
    session: context.newSession(),
    request,
  });
}

/** Copies a file or directory of any commit, of any repo, to a path. No bytes are moved. */
export async function copyFile(
  context: PfsContext,
  queue: CommitQueue,
  change: {
    readonly target: Target;
    readonly source: { readonly repo: RepoKey; readonly ref: string; readonly path: string };
    readonly path: string;
    readonly append: boolean;
    readonly guard?: Guard | undefined;
    readonly request: Request;
  },
): Promise<CommitRecord> {
  const { target, source, append, guard, request } = change;
  const path = normalizePath(change.path);
  if (path !== '') {
    checkPath(path);
  }
  const tree = await openTree(context, source.repo, source.ref);
  // What an open commit has may be in no pack yet: it comes along with the copy.
  const session = tree.session ?? context.newSession();
  let edits: Edit[];
  try {
    const from = normalizePath(source.path);
    const { mode, id } = await resolveFile(tree.objects, tree.tree, {
      path: from,
      where: tree.where,
    });
    if (append && isDirectory({ mode })) {
      throw new EngineError('invalid', `Cannot append "/${from}": it is a directory`);
    }
    await session.rely(id);
    edits = [{ kind: append ? 'append' : 'set', path, entry: { mode, id } }];
  } catch (error) {
    session.discard();
    throw error;
  }
  return await commitEdits(context, queue, { target, edits, guard, session, request });
}
