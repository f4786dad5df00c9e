// Commits that users start and finish, and reading commits in whatever state they are.

import { EngineError } from '../base/errors.ts';
import type { ReadRange } from '../content/large-file.ts';
import type { GitObjects } from '../git/git-objects.ts';
import { branchKey, type CommitRecord, commitKey, type RepoKey } from '../journal/records.ts';
import { checkWritable, openHead } from './branch-rules.ts';
import { type Change, makeChange } from './change.ts';
import { commitById, commitByRef, goodCommit } from './commit-facts.ts';
import { findByRef, resolveCommit, resolveRepo } from './commit-lookup.ts';
import type { PfsContext, Request } from './context.ts';
import { applyEdits } from './edits.ts';
import { type FinishedTree, writeGitCommit } from './git-commit.ts';
import { checkBranchName, shortRepo } from './names.ts';
import { newCommit } from './new-commit.ts';
import type { WriteSession } from './write-session.ts';

export interface StartCommit {
  readonly repo: RepoKey;
  readonly branch: string;
  /** Any ref of the repo to start from instead of the branch's head. */
  readonly parent?: string;
  readonly description: string;
}

/** Starts an open commit at the head of a branch, which is made where it does not exist. */
export function startCommit(
  context: PfsContext,
  options: StartCommit,
  request: Request,
): Promise<CommitRecord> {
  return makeChange(context, request, (change) => startCommitIn(change, options));
}

/** As {@link startCommit}, within a change. */
export function startCommitIn(change: Change, options: StartCommit): CommitRecord {
  const { repo, branch } = options;
  const { state, time, set: id } = change;
  checkBranchName(branch);
  checkWritable(state, { repo, branch });
  const open = openHead(state, repo, branch);
  if (open) {
    throw new EngineError(
      'failed_precondition',
      `Cannot start a commit on branch "${branch}": commit ${open.id} is open there; put into it, or finish it first`,
    );
  }
  if (change.hasCommitIn(repo)) {
    throw new EngineError(
      'failed_precondition',
      `Cannot start a commit on branch "${branch}": the transaction has made a commit in repo "${shortRepo(repo)}" already, and makes one in each repo at most`,
    );
  }
  const head = state.branches.get(branchKey(repo, branch))?.head ?? null;
  const parent = startOf(change, { ...options, head });
  if (parent?.finished === null) {
    throw new EngineError(
      'failed_precondition',
      `Cannot start a commit on branch "${branch}": parent commit ${parent.id} has not finished; wait for it, or start from another one`,
    );
  }
  const commit = newCommit({
    repo,
    id,
    branch,
    time,
    origin: 'user',
    by: change.asker.actor,
    description: options.description,
    parents: parent ? [parent] : [],
    tree: goodCommit(change, repo, parent?.id ?? null)?.tree ?? null,
  });
  if (!state.branches.has(branchKey(repo, branch))) {
    change.add({
      kind: 'branch.put',
      branch: { repo, name: branch, head: null, provenance: [], created: time },
    });
  }
  change.add({ kind: 'commit.started', commit }, { kind: 'branch.moved', repo, branch, head: id });
  return commit;
}

/** Returns the parent of a commit that is started; undefined for the first of its branch. */
function startOf(
  change: Change,
  options: Pick<StartCommit, 'repo' | 'parent'> & { readonly head: string | null },
): CommitRecord | undefined {
  const { repo, parent, head } = options;
  if (parent !== undefined) {
    return commitByRef(change, repo, parent);
  }
  return head === null ? undefined : commitById(change, repo, head);
}

export interface FinishCommit {
  readonly repo: RepoKey;
  readonly ref: string;
  readonly description?: string;
}

/** Finishes an open commit: writes its tree, and starts what it causes downstream, in one transaction. */
export function finishCommit(
  context: PfsContext,
  options: FinishCommit,
  request: Request,
): Promise<CommitRecord> {
  return makeChange(context, request, (change) => finishCommitIn(change, options));
}

const NOT_WRITTEN: FinishedTree = { tree: null, git: '', size: 0, files: 0 };

/** As {@link finishCommit}, within a change. */
export function finishCommitIn(change: Change, options: FinishCommit): CommitRecord {
  const { repo, ref } = options;
  const { context, state, time } = change;
  resolveRepo(context, repo);
  const commit = commitByRef(change, repo, ref);
  const { id } = commit;
  checkOpen(commit);
  const description = options.description ?? commit.description;
  const parent = goodCommit(change, repo, commit.parent)?.git ?? null;
  const written = change.store(`finish ${repo} ${id} ${commit.edits.length} ${parent}`, {
    repos: [repo],
    standIn: NOT_WRITTEN,
    write: async (session) => {
      const tree = await applyEdits(session, commit.tree, commit.edits);
      return await writeGitCommit(session, commit, { parent, time, description, tree });
    },
  });
  change.add({
    kind: 'commit.finished',
    repo,
    commit: id,
    time,
    ...written,
    error: null,
    description,
  });
  change.finishes(commit);
  // A set causes commits once no user writes to it any more.
  const users = [...state.commits.keysBy('set', id)].flatMap((key) => {
    const other = state.commits.get(key);
    return other?.origin === 'user' ? [other] : [];
  });
  if (users.every((user) => user.finished !== null)) {
    for (const user of users) {
      if (state.branches.get(branchKey(user.repo, user.branch))?.head === user.id) {
        change.moved({ repo: user.repo, branch: user.branch }, id);
      }
    }
  }
  return state.commits.get(commitKey(repo, id)) ?? commit;
}

/** A tree that can be read, and how to let go of it. */
export interface ReadableTree {
  readonly commit: CommitRecord | undefined;
  /** Of an open commit: holds what no pack has. Whoever makes it part of a write needs not close the tree. */
  readonly session?: WriteSession;
  readonly objects: GitObjects;
  /** Reads the bytes of a file by its blob's id, large or not. */
  readFile(id: string, range?: ReadRange): AsyncIterable<Buffer>;
  readonly tree: string | null;
  /** Names the commit in messages. */
  readonly where: string;
  close(): void;
}

/**
 * Opens the files of a commit for reading. An open commit shows what has been put into it so far. Rejects with
 * `failed_precondition` for an output commit whose job has not finished. Close it.
 */
export async function openTree(
  context: PfsContext,
  repo: RepoKey,
  ref: string,
): Promise<ReadableTree> {
  const commit = await findByRef(context, repo, ref);
  const where = `${shortRepo(repo)}@${ref}`;
  if (commit?.finished === null && commit.origin === 'auto') {
    throw new EngineError(
      'failed_precondition',
      `Cannot read ${where}: its job is still running; wait with pfs wait-commit ${shortRepo(repo)}@${commit.id}`,
    );
  }
  if (commit === undefined || commit.finished !== null) {
    return {
      commit,
      objects: context.objects,
      readFile: (id, range) => context.readFile(id, range),
      tree: commit?.tree ?? null,
      where,
      close: () => undefined,
    };
  }
  const session: WriteSession = context.newSession();
  let tree: string | null;
  try {
    tree = await applyEdits(session, commit.tree, commit.edits);
  } catch (error) {
    session.discard();
    throw error;
  }
  return {
    commit,
    session,
    objects: session,
    readFile: (id, range) => session.readFile(id, range),
    tree,
    where,
    close: () => session.discard(),
  };
}

/** Resolves with the commit once it has finished. */
export async function waitCommit(
  context: PfsContext,
  repo: RepoKey,
  options: { readonly ref: string; readonly signal?: AbortSignal },
): Promise<CommitRecord> {
  const { signal } = options;
  const { id } = await resolveCommit(context, repo, options.ref);
  await context.journal.waitFor(
    (state) => {
      const commit = state.commits.get(commitKey(repo, id));
      return commit === undefined || commit.finished !== null ? true : undefined;
    },
    signal ? { signal } : {},
  );
  return await resolveCommit(context, repo, id);
}

function checkOpen(commit: CommitRecord): void {
  const { id } = commit;
  if (commit.origin !== 'user') {
    throw new EngineError(
      'failed_precondition',
      `Cannot change commit ${id}: a pipeline makes it; use pfs stop-job to end its job`,
    );
  }
  if (commit.finished !== null) {
    throw new EngineError(
      'failed_precondition',
      `Cannot change commit ${id}: it has already finished; start another one`,
    );
  }
}
