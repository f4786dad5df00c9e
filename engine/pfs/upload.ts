// Taking in the files of one upload: staged as packs, then one edit of a branch or of an open commit.

import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { branchKey, type CommitRecord, type Edit, type RepoKey } from '../journal/records.ts';
import { checkWritable, openHead, openThere } from './branch-rules.ts';
import { resolveCommit } from './commit-lookup.ts';
import type { CommitQueue, Guard } from './commit-queue.ts';
import type { PfsContext, Request } from './context.ts';
import { checkBranchName } from './names.ts';
import { explainGone } from './pack-changes.ts';
import { type StagingOptions, stageFiles } from './staging.ts';
import type { WriteSession } from './write-session.ts';

/** A piece of a file on its way in; a small file comes as one piece that is first and last. */
export interface FilePart {
  readonly path: string;
  readonly executable: boolean;
  readonly data: Buffer;
  readonly first: boolean;
  readonly last: boolean;
  /** `data` is the path, in the commit, of the file of this upload that it is another name of; or a symbolic link's target. */
  readonly link?: 'hard' | 'symbolic';
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
 * unless all of it arrived. Our own attributes, which a clone brings back, are left out.
 */
export async function putFiles(
  context: PfsContext,
  queue: CommitQueue,
  upload: StagingOptions & {
    readonly target: Target;
    readonly parts: AsyncIterable<readonly FilePart[]>;
    readonly guard?: Guard | undefined;
    readonly request: Request;
  },
): Promise<CommitRecord> {
  const { target, parts, guard, request } = upload;
  await findTarget(context, target);
  const session = context.newSession();
  let edits: Edit[];
  try {
    edits = await stageFiles(session, parts, upload);
  } catch (error) {
    session.discard();
    throw explainGone(context.journal.state, session, error);
  }
  return await commitEdits(context, queue, { target, edits, guard, session, request });
}

/** Commits edits whose objects are in `session`, which is over afterwards, also when that fails. */
export async function commitEdits(
  context: PfsContext,
  queue: CommitQueue,
  change: {
    readonly target: Target;
    readonly edits: readonly Edit[];
    readonly guard?: Guard | undefined;
    readonly session: WriteSession;
    readonly request: Request;
  },
): Promise<CommitRecord> {
  const { target, edits, guard, session, request } = change;
  const { repo, ref, own, description } = target;
  let open: CommitRecord | undefined;
  try {
    open = await findTarget(context, target);
  } catch (error) {
    session.discard();
    throw error;
  }
  const at = open ? { branch: open.branch, commit: open.id } : { branch: ref };
  return await queue.submit({ repo, ...at, description, own, edits, guard, session, request });
}

/** Checks that the target can be written to; returns the open commit that it names by id, undefined for a branch. */
async function findTarget(context: PfsContext, target: Target): Promise<CommitRecord | undefined> {
  const { repo, ref, own } = target;
  const { state } = context.journal;
  if (state.branches.has(branchKey(repo, ref)) || !(isId(ref) || /[\^~.]/.test(ref))) {
    checkBranchName(ref);
    checkWritable(state, { repo, branch: ref });
    const open = openHead(state, repo, ref);
    if (own && open) {
      throw openThere(ref, open);
    }
    return undefined;
  }
  const commit = await resolveCommit(context, repo, ref);
  const why = reasonNotToPut(commit, own);
  if (why !== undefined) {
    throw new EngineError('failed_precondition', `Cannot put into commit "${ref}": ${why}`);
  }
  return commit;
}

function reasonNotToPut(commit: CommitRecord, own: boolean): string | undefined {
  const { branch } = commit;
  if (commit.origin !== 'user') {
    return 'a pipeline makes it; put into one of its inputs instead';
  }
  if (commit.finished !== null) {
    return `it has already finished; put into its branch "${branch}" instead`;
  }
  return own ? `it can't hold a commit of its own; leave out -c` : undefined;
}
