// The end of jobs that somebody stops: one, or all of a pipeline.

import { EngineError } from '../base/errors.ts';
import { type JobRecord, jobKey, type PipelineKey } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { endJobIn } from './job-end.ts';
import { getJob } from './job-lookup.ts';

/** Why the jobs of a pipeline end that somebody stops. */
export const STOPPED_REASON = 'all jobs killed because the pipeline was stopped';

/** Stops a job for a user, within a change; `failed_precondition` when it has ended. */
export function stopJobIn(
  change: Change,
  options: { readonly pipeline: PipelineKey; readonly job: string },
): JobRecord {
  const { context, facts, state } = change;
  const { pipeline, job } = options;
  const end = { state: 'killed' as const, reason: 'stopped by a user' };
  const find = () =>
    state.jobs.get(jobKey(pipeline, job)) ??
    facts.find(`job ${pipeline} ${job}`, () => getJob(context, pipeline, job));
  const before = find();
  if (!endJobIn(change, { pipeline, job, end })) {
    throw new EngineError(
      'failed_precondition',
      `Cannot stop job ${job}: it has already ended (${before.state})`,
    );
  }
  return find();
}

/** Ends all unfinished jobs of a pipeline, within a change. */
export function killJobsIn(change: Change, pipeline: PipelineKey, reason: string): void {
  const { jobs } = change.state;
  for (const key of [...jobs.keysBy('pipeline', pipeline)]) {
    const job = jobs.get(key);
    if (job && job.finished === null) {
      endJobIn(change, { pipeline, job: job.id, end: { state: 'killed', reason } });
    }
  }
}
