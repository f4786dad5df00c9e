// Jobs as they travel to somebody, with what is not in their records: what they read, and what their workers wait for.

import type { FastifyRequest } from 'fastify';
import { isTerminal, type JobRecord } from '../journal/records.ts';
import { findCommit } from '../pfs/commit-lookup.ts';
import { readableNames } from './identity.ts';
import type { EngineParts } from './parts.ts';
import { readableProvenance } from './readable-views.ts';
import { viewJob } from './views.ts';
import type { Job } from './wire.ts';

/** Returns the way to view jobs for the sender of a request. */
export function jobViewer({
  context,
  pool,
}: Pick<EngineParts, 'context' | 'pool'>): (
  request: FastifyRequest,
  job: JobRecord,
) => Promise<Job> {
  return async (request, job) => {
    const view = viewJob(context, job, {
      output: await findCommit(context, job.pipeline, job.id),
      waitsFor: isTerminal(job.state) || job.state === 'created' ? '' : pool.waitsFor(job.pipeline),
    });
    return readableProvenance(view, readableNames(request, context.journal));
  };
}
