// Where finished records are found once they have left the state.

import type { CommitRecord, JobRecord, RepoRecord } from './records.ts';

/** History key of a commit. Repos go by id here: a repo made anew under an old name has no past. */
export function commitHistoryKey(repoId: string, commit: string): string {
  return `commit/${repoId}/${commit}`;
}

/** History key that says a repo has a commit in a commit set; the value is the repo's key. */
export function setHistoryKey(set: string, repoId: string): string {
  return `set/${set}/${repoId}`;
}

/** History key of a job. */
export function jobHistoryKey(pipelineId: string, job: string): string {
  return `job/${pipelineId}/${job}`;
}

/** History key that says a pipeline had a job with this id; the value is the pipeline's key. */
export function jobSetHistoryKey(set: string, pipelineId: string): string {
  return `jobset/${set}/${pipelineId}`;
}

/** What history keeps of a commit set's member. */
export interface SetMember {
  readonly repo: RepoRecord['key'];
}

export type HistoryValue = CommitRecord | JobRecord | SetMember;
