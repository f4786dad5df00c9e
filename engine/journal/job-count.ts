// The count of a pipeline's jobs by state.

import type { JobRecord } from './records.ts';
import type { State } from './state.ts';

/** Keeps the pipeline's count of jobs by state, so that no list has to be walked to show it. */
export function countJob(state: State, job: JobRecord, before?: JobRecord): void {
  const pipeline = state.pipelines.get(job.pipeline);
  if (pipeline === undefined || before?.state === job.state) {
    return;
  }
  const jobs = { ...pipeline.jobs, [job.state]: (pipeline.jobs[job.state] ?? 0) + 1 };
  if (before) {
    jobs[before.state] = Math.max(0, (jobs[before.state] ?? 0) - 1);
  }
  const isLast = before === undefined || pipeline.lastJob?.id === job.id;
  state.pipelines.set(pipeline.key, {
    ...pipeline,
    jobs,
    lastJob: isLast ? { id: job.id, state: job.state } : pipeline.lastJob,
  });
}
