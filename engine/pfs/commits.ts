// Commits that users start and finish, and reading commits in whatever state they are.

import { EngineError } from '../base/errors.ts';
import type { GitObjects } from '../git/git-objects.ts';
import { compose } from '../journal/compose.ts';
import { branchKey, type CommitRecord, commitKey, type RepoKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { checkWritable, openHead } from './branch-rules.ts';
import { findByRef, lastGood, resolveCommit } from './commit-lookup.ts';
import { type PfsContext, type Request, transactOptions } from './context.ts';
import { applyEdits } from './edits.ts';
import { type FinishedTree, writeGitCommit } from './git-commit.ts';
import { checkBranchName, shortRepo } from './names.ts';
import { propagate } from './propagate.ts';
import { demand, demandSameHistory, historyOf, untilSettled } from './settled.ts';
import type { SessionPacks, WriteSession } from './write-session.ts';

/** Starts an open commit at the head of a branch, which is made where it does not exist. */
export async function startCommit(
  context: PfsContext,
  options: {
    readonly repo: RepoKey;
    readonly branch: string;
    readonly parent?: string;
    readonly description: string;
  },
  request: Request,
): Promise<CommitRecord> {
  const { repo, branch } = options;
  checkBranchName(branch);
  const id = context.ids.next();
  return await untilSettled(async () => {
    const { state } = context.journal;
    checkWritable(state, { repo, branch });
    const open = openHead(state, repo, branch);
    if (open) {
      throw new EngineError(
        'failed_precondition',
        `Cannot start a commit on branch "${branch}": commit ${open.id} is open there; put into it, or finish it first`,
      );
    }
    const history = historyOf(state, repo);
    const head = state.branches.get(branchKey(repo, branch))?.head ?? null;
    const parent =
      options.parent === undefined ? head : (await resolveCommit(context, repo, options.parent)).id;
    const parentCommit = parent === null ? undefined : await resolveCommit(context, repo, parent);
    if (parentCommit?.finished === null) {
      throw new EngineError(
        'failed_precondition',
        `Cannot start a commit on branch "${branch}": parent commit ${parentCommit.id} has not finished; wait for it, or start from another one`,
      );
    }
    const base = await lastGood(context, repo, parent);
    const time = context.clock.now();
    return await context.journal.transact((now) => {
      checkWritable(now, { repo, branch });
      demandSameHistory(now, repo, history);
      demand((now.branches.get(branchKey(repo, branch))?.head ?? null) === head);
      const commit: CommitRecord = {
        repo,
        id,
        branch,
        parent,
        depth: (parentCommit?.depth ?? -1) + 1,
        origin: 'user',
        description: options.description,
        started: time,
        finished: null,
        error: null,
        provenance: [],
        tree: base?.tree ?? null,
        git: null,
        size: 0,
        files: 0,
        edits: [],
        pipeline: null,
        image: null,
      };
      return compose(now, (draft) => {
        if (!now.branches.has(branchKey(repo, branch))) {
          draft.add({
            kind: 'branch.put',
            branch: { repo, name: branch, head: null, provenance: [], created: time },
          });
        }
        draft.add(
          { kind: 'commit.started', commit },
          { kind: 'branch.moved', repo, branch, head: id },
        );
        return commit;
      });
    }, transactOptions(request));
  });
}

/** Finishes an open commit: writes its tree, and starts what it causes downstream, in one transaction. */
export async function finishCommit(
  context: PfsContext,
  options: { readonly repo: RepoKey; readonly ref: string; readonly description?: string },
  request: Request,
): Promise<CommitRecord> {
  const { repo, ref } = options;
  const { id } = await resolveCommit(context, repo, ref);
  return await untilSettled(async () => {
    const commit = await resolveCommit(context, repo, id);
    const description = options.description ?? commit.description;
    userCommit(commit, id);
    const history = historyOf(context.journal.state, repo);
    const parent = await lastGood(context, repo, commit.parent);
    const time = context.clock.now();
    const { written, packs } = await writeEdits(context, commit, {
      parent: parent?.git ?? null,
      time,
      description,
    });
    return await context.journal.transact((state) => {
      const now = userCommit(state.commits.get(commitKey(repo, id)), id);
      demand(now.edits.length === commit.edits.length);
      demandSameHistory(state, repo, history);
      return compose(state, (draft) => {
        draft.add(
          { kind: 'packs.added', repo, ...packs },
          {
            kind: 'commit.finished',
            repo,
            commit: id,
            time,
            ...written,
            error: null,
            description,
          },
        );
        propagateSet(draft.state, id, (changed) => propagate(draft, changed, { set: id, time }));
        return draft.state.commits.get(commitKey(repo, id)) ?? now;
      });
    }, transactOptions(request));
  });
}

/** Makes the tree and the Git commit of an open commit durable. */
async function writeEdits(
  context: PfsContext,
  commit: CommitRecord,
  options: { readonly parent: string | null; readonly time: number; readonly description: string },
): Promise<{ readonly written: FinishedTree; readonly packs: SessionPacks }> {
  const session = context.newSession();
  try {
    const tree = await applyEdits(session, commit.tree, commit.edits);
    const written = await writeGitCommit(session, commit, { ...options, tree });
    return { written, packs: await session.finish() };
  } catch (error) {
    session.discard();
    throw error;
  }
}

/** Calls `start` with the branches a commit set changed, once no user writes to the set any more. */
function propagateSet(
  state: State,
  set: string,
  start: (changed: { repo: RepoKey; branch: string }[]) => void,
): void {
  const commits = [...state.commits.keysBy('set', set)].flatMap(
    (key) => state.commits.get(key) ?? [],
  );
  const users = commits.filter((commit) => commit.origin === 'user');
  if (users.every((commit) => commit.finished !== null)) {
    start(users.filter((c) => state.branches.get(branchKey(c.repo, c.branch))?.head === c.id));
  }
}

/** A tree that can be read, and how to let go of it. */
export interface ReadableTree {
  readonly commit: CommitRecord | undefined;
  readonly objects: GitObjects;
  /** Reads the bytes of a file by its blob's id, large or not. */
  readFile(id: string, range?: { start?: number; end?: number }): AsyncIterable<Buffer>;
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

function userCommit(commit: CommitRecord | undefined, id: string): CommitRecord {
  if (commit === undefined) {
    throw new EngineError('not_found', `Cannot find commit ${id}: it was deleted with its repo`);
  }
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
  return commit;
}
