// Jobs as they travel, with what is not in their records: what they read, and what their workers wait for.

import { isTerminal, type JobRecord } from '../journal/records.ts';
import { findCommit } from '../pfs/commit-lookup.ts';
import type { EngineParts } from './parts.ts';
import { viewJob } from './views.ts';
import type { Job } from './wire.ts';

/** Returns the way to view jobs. */
export function jobViewer({
  context,
  pool,
}: Pick<EngineParts, 'context' | 'pool'>): (job: JobRecord) => Promise<Job> {
  return async (job) =>
    viewJob(context, job, {
      output: await findCommit(context, job.pipeline, job.id),
      waitsFor: isTerminal(job.state) || job.state === 'created' ? '' : pool.waitsFor(job.pipeline),
    });
}
