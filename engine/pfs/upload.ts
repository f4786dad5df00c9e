// Taking in the files of one upload: staged as packs, then one edit of a branch or of an open commit.

import { EngineError } from '../base/errors.ts';
import { MAX_BLOB_BYTES } from '../base/limits.ts';
import { checkPath } from '../git/names.ts';
import type { CommitRecord, Edit, RepoKey } from '../journal/records.ts';
import { checkWritable } from './branch-rules.ts';
import { findByRef } from './commit-lookup.ts';
import type { CommitQueue } from './commit-queue.ts';
import { editCommit, openCommitOf } from './commits.ts';
import type { PfsContext, Request } from './context.ts';
import { checkBranchName, normalizePath } from './names.ts';
import { Overlay } from './overlay.ts';
import type { FileWriter, StoredFile, WriteSession } from './write-session.ts';

/** A piece of a file on its way in; a small file comes as one piece that is first and last. */
export interface FilePart {
  readonly path: string;
  readonly executable: boolean;
  readonly data: Buffer;
  readonly first: boolean;
  readonly last: boolean;
}

/** Where edits go. */
export interface Target {
  readonly repo: RepoKey;
  /** A branch, or the id of an open commit. */
  readonly ref: string;
  /** Demands a commit of its own. */
  readonly own: boolean;
  readonly description: string;
}

/**
 * Stores files and commits them: into the open commit of the branch, or as a commit of their own. Nothing is changed
 * unless all of it arrived.
 */
export async function putFiles(
  context: PfsContext,
  queue: CommitQueue,
  upload: {
    readonly target: Target;
    readonly append: boolean;
    readonly parts: AsyncIterable<readonly FilePart[]>;
    readonly request: Request;
  },
): Promise<CommitRecord> {
  const { target, append, parts, request } = upload;
  await checkTarget(context, target);
  const session = context.newSession();
  try {
    const edits = append ? await stageAppends(session, parts) : await stageOverlay(session, parts);
    return await commitEdits(context, queue, { target, edits, session, request });
  } catch (error) {
    session.discard();
    throw error;
  }
}

/** Commits edits whose objects are in `session`, which is over afterwards. */
export async function commitEdits(
  context: PfsContext,
  queue: CommitQueue,
  change: {
    readonly target: Target;
    readonly edits: readonly Edit[];
    readonly session: WriteSession;
    readonly request: Request;
  },
): Promise<CommitRecord> {
  const { target, edits, session, request } = change;
  const { repo, description } = target;
  const open = await checkTarget(context, target);
  if (open) {
    const packs = await session.finish();
    return await editCommit(context, { repo, commit: open.id, edits, packs }, request);
  }
  return await queue.submit({ repo, branch: target.ref, description, edits, session, request });
}

/** Returns the open commit that the target means; undefined where a commit of its own is to be made. */
async function checkTarget(context: PfsContext, target: Target): Promise<CommitRecord | undefined> {
  const { repo, ref, own } = target;
  const { state } = context.journal;
  const open = openCommitOf(context, repo, ref);
  if (state.branches.has(`${repo}@${ref}`) || !/^[0-9a-f]{32}$|[\^~.]/.test(ref)) {
    checkBranchName(ref);
    checkWritable(state, repo, ref);
    if (own && open) {
      throw new EngineError(
        'failed_precondition',
        `Cannot make a commit of its own on branch "${ref}": commit ${open.id} is open there; leave out -c to put into it, or finish it first`,
      );
    }
    return open;
  }
  const commit = await findByRef(context, repo, ref);
  if (commit?.finished !== null || commit.origin !== 'user') {
    throw new EngineError(
      'failed_precondition',
      `Cannot put into commit "${ref}": it has already finished; put into its branch "${commit?.branch}" instead`,
    );
  }
  return commit;
}

async function stageOverlay(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
): Promise<Edit[]> {
  const overlay = new Overlay();
  for await (const { path, executable, stored } of storedFiles(session, parts)) {
    overlay.add(path, { ...stored, mode: executable ? '100755' : '100644' });
  }
  const tree = await overlay.write(session);
  return tree === null ? [] : [{ kind: 'overlay', tree }];
}

async function stageAppends(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
): Promise<Edit[]> {
  const edits: Edit[] = [];
  for await (const { path, executable, stored } of storedFiles(session, parts)) {
    const entry = { mode: executable ? '100755' : '100644', id: stored.id };
    edits.push({ kind: 'append', path, entry });
  }
  return edits;
}

interface NamedFile {
  readonly path: string;
  readonly executable: boolean;
  readonly stored: StoredFile;
}

async function* storedFiles(
  session: WriteSession,
  parts: AsyncIterable<readonly FilePart[]>,
): AsyncGenerator<NamedFile> {
  let file: FileWriter | undefined;
  for await (const batch of parts) {
    for (const part of batch) {
      const path = normalizePath(part.path);
      if (part.first) {
        checkPath(path);
      }
      let stored: StoredFile | undefined;
      if (part.first && part.last && part.data.length <= MAX_BLOB_BYTES) {
        const done = session.smallFile(part.data);
        stored = done instanceof Promise ? await done : done;
      } else {
        file = part.first ? session.newFile() : (file ?? session.newFile());
        await file.write(part.data);
        stored = part.last ? await file.finish() : undefined;
      }
      if (stored) {
        yield { path, executable: part.executable, stored };
      }
    }
  }
}
