// A finished commit that the engine makes on the one branch of a repo of its own.

import { EngineError } from '../base/errors.ts';
import { branchKey, type RepoKey, SYSTEM_BRANCH } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { commitById, goodCommit } from '../pfs/commit-facts.ts';
import { type FinishedTree, writeGitCommit } from '../pfs/git-commit.ts';
import { shortRepo } from '../pfs/names.ts';
import { newCommit } from '../pfs/new-commit.ts';
import type { WriteSession } from '../pfs/write-session.ts';

export interface MadeCommit {
  readonly repo: RepoKey;
  /** Names what the tree depends on, beside the parent. */
  readonly key: string;
  /** Writes the files of the commit, and says what it is; gets the tree of the last good commit before it. */
  readonly write: (
    session: WriteSession,
    before: string | null,
  ) => Promise<{ readonly tree: string | null; readonly description: string }>;
}

const NOT_WRITTEN: FinishedTree & { readonly description: string } = {
  tree: null,
  git: '',
  size: 0,
  files: 0,
  description: '',
};

/** Adds the commit, and what it causes. Decides within a change. */
export function addMadeCommit(change: Change, made: MadeCommit): void {
  const { state, set: id, time } = change;
  const { repo } = made;
  if (change.hasCommitIn(repo)) {
    throw new EngineError(
      'failed_precondition',
      `Cannot make a commit in repo "${shortRepo(repo)}": the transaction has made one there already`,
    );
  }
  const branch = state.branches.get(branchKey(repo, SYSTEM_BRANCH));
  const head = branch?.head ? commitById(change, repo, branch.head) : undefined;
  const base = goodCommit(change, repo, head?.id ?? null);
  const commit = newCommit({
    repo,
    id,
    branch: SYSTEM_BRANCH,
    time,
    origin: 'auto',
    parents: head ? [head] : [],
    tree: base?.tree ?? null,
  });
  const parent = base?.git ?? null;
  const { description, ...written } = change.store(`${made.key} ${repo} ${parent}`, {
    repos: [repo],
    standIn: NOT_WRITTEN,
    write: async (session) => {
      const files = await made.write(session, commit.tree);
      return { ...(await writeGitCommit(session, commit, { parent, time, ...files })), ...files };
    },
  });
  if (branch === undefined) {
    change.add({
      kind: 'branch.put',
      branch: { repo, name: SYSTEM_BRANCH, head: null, provenance: [], created: time },
    });
  }
  change.add(
    { kind: 'commit.started', commit: { ...commit, description } },
    { kind: 'commit.finished', repo, commit: id, time, ...written, error: null },
    { kind: 'branch.moved', repo, branch: SYSTEM_BRANCH, head: id },
  );
  change.moved({ repo, branch: SYSTEM_BRANCH });
}
