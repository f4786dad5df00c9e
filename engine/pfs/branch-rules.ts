// Who may write to a branch.

import { fillerOf } from '../auth/rights.ts';
import { EngineError } from '../base/errors.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  type RepoKey,
  SYSTEM_BRANCH,
  tagKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { shortRepo } from './names.ts';

/** Rejects with `not_found` or `failed_precondition` when users may not do what `verb` says to this branch. */
export function checkWritable(
  state: State,
  target: { readonly repo: RepoKey; readonly branch: string; readonly verb?: string },
): void {
  const { repo, branch, verb = 'commit to' } = target;
  const record = state.repos.get(repo);
  if (record === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find repo "${shortRepo(repo)}": it does not exist; make it with pfs create-repo ${shortRepo(repo)}`,
    );
  }
  if (state.tags.has(tagKey(repo, branch)) && !state.branches.has(branchKey(repo, branch))) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}" of repo "${shortRepo(repo)}": that is a tag, which stays what it is; use another name`,
    );
  }
  const provenance = state.branches.get(branchKey(repo, branch))?.provenance ?? [];
  const filler = branch === SYSTEM_BRANCH ? fillerOf(state, repo) : undefined;
  if (
    filler !== undefined &&
    state.pipelines.get(filler)?.crons?.some((one) => one.repo === repo)
  ) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}" of repo "${shortRepo(repo)}": the schedule of pipeline "${shortRepo(filler)}" makes its commits; pfs run cron ${shortRepo(filler)} makes one now`,
    );
  }
  if (filler !== undefined) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}" of repo "${shortRepo(repo)}": its commits come from the Git server that pipeline "${shortRepo(filler)}" follows; push there`,
    );
  }
  if (record.kind !== 'user' || provenance.length > 0 || isOutputBranch(state, repo, branch)) {
    const pipeline = shortRepo(repo).replace(/\.(spec|meta)$/, '');
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}" of repo "${shortRepo(repo)}": pipeline "${pipeline}" writes it; use another branch`,
    );
  }
}

/** The refusal of a commit of its own where one is open. */
export function openThere(branch: string, open: CommitRecord): EngineError {
  return new EngineError(
    'failed_precondition',
    `Cannot make a commit of its own on branch "${branch}": commit ${open.id} is open there; leave out -c to put into it, or finish it first`,
  );
}

/** Returns whether a pipeline, running or stopped, writes this branch. */
export function isOutputBranch(state: State, repo: RepoKey, branch: string): boolean {
  const pipeline = state.pipelines.get(repo);
  const output = pipeline?.spec.output_branch;
  return pipeline !== undefined && (output === undefined || output === branch);
}

/** Returns the commit a user has open at the head of a branch, or undefined. */
export function openHead(state: State, repo: RepoKey, branch: string): CommitRecord | undefined {
  const head = state.branches.get(branchKey(repo, branch))?.head;
  const commit = head ? state.commits.get(commitKey(repo, head)) : undefined;
  return commit?.finished === null ? commit : undefined;
}
