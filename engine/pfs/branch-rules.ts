// Who may write to a branch.

import { EngineError } from '../base/errors.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  type PipelineKey,
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
  const owner = branch === SYSTEM_BRANCH ? cronOwner(state, repo) : undefined;
  if (owner !== undefined) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}" of repo "${shortRepo(repo)}": the schedule of pipeline "${shortRepo(owner)}" makes its commits; pfs run cron ${shortRepo(owner)} makes one now`,
    );
  }
  const follower = branch === SYSTEM_BRANCH ? gitOwner(state, repo) : undefined;
  if (follower !== undefined) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}" of repo "${shortRepo(repo)}": its commits come from the Git server that pipeline "${shortRepo(follower)}" follows; push there`,
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

/** Returns the pipeline whose schedule makes the commits of a repo, or undefined. */
export function cronOwner(state: State, repo: RepoKey): PipelineKey | undefined {
  for (const key of state.pipelines.keysBy('cron', 'cron')) {
    if (state.pipelines.get(key)?.crons?.some((cron) => cron.repo === repo)) {
      return key;
    }
  }
  return undefined;
}

/** Returns the pipeline that fills a repo from a Git server, or undefined. */
function gitOwner(state: State, repo: RepoKey): PipelineKey | undefined {
  for (const key of state.pipelines.keysBy('git', 'git')) {
    if (state.pipelines.get(key)?.gits?.some((git) => git.repo === repo)) {
      return key;
    }
  }
  return undefined;
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
