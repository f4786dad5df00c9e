// Folding in what takes commits and jobs away for good. It never asks whether a record is still in a table: it may be in
// history already, here or in another engine.

import {
  commitHistoryKey,
  jobHistoryKey,
  jobSetHistoryKey,
  setHistoryKey,
} from './history-keys.ts';
import type { Operation } from './operations.ts';
import {
  type CommitRecord,
  commitKey,
  jobKey,
  type PipelineRecord,
  type RepoRecord,
} from './records.ts';
import type { State } from './state.ts';
import { keepInTrash, type TrashEntry, trashedIn } from './trash.ts';

/** Removes a commit of `repo` from the tables and from history. */
export function removeCommit(
  state: State,
  repo: RepoRecord,
  operation: Extract<Operation, { kind: 'commit.removed' }> & { readonly entry: TrashEntry },
): void {
  state.commits.delete(commitKey(repo.key, operation.commit));
  state.forget(commitHistoryKey(repo.id, operation.commit));
  state.forget(setHistoryKey(operation.commit, repo.id));
  reshape(state, repo);
  const { was, entry } = operation;
  if (was) {
    keepInTrash(state, { kind: 'commit', repoId: repo.id, commit: was, ...trashedIn(entry) });
  }
}

/** Lags up to this, in milliseconds, are taken for granted. */
export const USUAL_LAG_MS = 12 * 60 * 60 * 1000;

/** Notes that a commit was made long after its id: who looks for what came after another one must look further back. */
export function noteLag(state: State, commit: CommitRecord): void {
  const repo = state.repos.get(commit.repo);
  const lag = commit.started - Number.parseInt(commit.id.slice(0, 12), 16);
  if (repo && lag > (repo.idLag ?? USUAL_LAG_MS)) {
    state.repos.set(repo.key, { ...repo, idLag: lag });
  }
}

/** Notes that what was read of the history of `repo` before may not hold any more. */
export function reshape(state: State, repo: RepoRecord): void {
  state.repos.set(repo.key, { ...repo, reshaped: (repo.reshaped ?? 0) + 1 });
}

/** Removes a job of `pipeline` from the tables, from history and from the counts. */
export function removeJob(
  state: State,
  pipeline: PipelineRecord,
  operation: Extract<Operation, { kind: 'job.removed' }>,
): void {
  const { job: id, state: last, lastJob } = operation;
  state.jobs.delete(jobKey(pipeline.key, id));
  state.forget(jobHistoryKey(pipeline.id, id));
  state.forget(jobSetHistoryKey(id, pipeline.id));
  state.pipelines.set(pipeline.key, {
    ...pipeline,
    jobs: { ...pipeline.jobs, [last]: Math.max(0, (pipeline.jobs[last] ?? 0) - 1) },
    lastJob: pipeline.lastJob?.id === id ? lastJob : pipeline.lastJob,
  });
}
