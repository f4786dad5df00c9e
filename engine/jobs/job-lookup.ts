// Finding jobs and pipelines: in the state, or in history once they are done.

import { EngineError } from '../base/errors.ts';
import { jobHistoryKey, jobSetHistoryKey } from '../journal/history-keys.ts';
import {
  type JobRecord,
  jobKey,
  type PipelineKey,
  type PipelineRecord,
  type RepoKey,
} from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';

/** Returns a pipeline's record; `not_found` when there is none. */
export function resolvePipeline(context: PfsContext, key: PipelineKey): PipelineRecord {
  const pipeline = context.journal.state.pipelines.get(key);
  if (pipeline === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find pipeline "${shortRepo(key)}": it does not exist; pfs list-pipeline shows those that do`,
    );
  }
  return pipeline;
}

/** Returns a job of a pipeline; `not_found` when there is none. */
export async function getJob(
  context: PfsContext,
  pipeline: PipelineKey,
  id: string,
): Promise<JobRecord> {
  const job = await findJob(context, pipeline, id);
  if (job === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find job ${id} of pipeline "${shortRepo(pipeline)}"; pfs list-job -p ${shortRepo(pipeline)} shows its jobs`,
    );
  }
  return job;
}

/** Returns a job of a pipeline, or undefined. */
export async function findJob(
  context: PfsContext,
  pipeline: PipelineKey,
  id: string,
): Promise<JobRecord | undefined> {
  const { id: pipelineId } = resolvePipeline(context, pipeline);
  return (
    context.journal.state.jobs.get(jobKey(pipeline, id)) ??
    (await context.history<JobRecord>(jobHistoryKey(pipelineId, id)))
  );
}

/** Yields the jobs of a pipeline, newest first. */
export async function* listJobs(
  context: PfsContext,
  pipeline: PipelineKey,
): AsyncGenerator<JobRecord> {
  const { id } = resolvePipeline(context, pipeline);
  const { jobs } = context.journal.state;
  const seen = new Set<string>();
  const alive = [...jobs.keysBy('pipeline', pipeline)].flatMap((key) => jobs.get(key) ?? []);
  for (const job of alive.sort((a, b) => (a.id < b.id ? 1 : -1))) {
    seen.add(job.id);
    yield job;
  }
  for await (const [, job] of context.scanHistory<JobRecord>(jobHistoryKey(id, ''), {
    reverse: true,
  })) {
    if (!seen.has(job.id)) {
      yield job;
    }
  }
}

/** Returns the jobs of a commit set. */
export async function jobSet(context: PfsContext, id: string): Promise<JobRecord[]> {
  const { jobs, pipelines } = context.journal.state;
  const found = new Map<PipelineKey, JobRecord>();
  for (const key of jobs.keysBy('set', id)) {
    const job = jobs.get(key);
    if (job) {
      found.set(job.pipeline, job);
    }
  }
  for await (const [, { repo }] of context.scanHistory<{ repo: RepoKey }>(
    jobSetHistoryKey(id, ''),
  )) {
    if (!found.has(repo) && pipelines.has(repo)) {
      const job = await findJob(context, repo, id);
      if (job) {
        found.set(repo, job);
      }
    }
  }
  return [...found.values()];
}
