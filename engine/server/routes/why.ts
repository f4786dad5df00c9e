// Why jobs ran their datums, over HTTP.

import type { FastifyInstance } from 'fastify';
import { getJob } from '../../jobs/job-lookup.ts';
import { explainJob } from '../../jobs/why.ts';
import { findCommit } from '../../pfs/commit-lookup.ts';
import { normalizePath } from '../../pfs/names.ts';
import { limitOf, param, pipelineOf, query } from '../http.ts';
import { readableNames } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { readableProvenance, readableWhy } from '../readable-views.ts';
import { viewWhy } from '../view-why.ts';
import { viewJob } from '../views.ts';
import type { Why } from '../wire-why.ts';

const SHOWN_DATUMS = 20;

/** Adds the route that explains jobs. */
export function whyRoutes(server: FastifyInstance, { context }: EngineParts): void {
  server.get('/pipelines/:project/:pipeline/jobs/:id/why', async (request): Promise<Why> => {
    const job = await getJob(context, pipelineOf(request), param(request, 'id'));
    const [datum, path] = [query(request, 'datum'), query(request, 'path')];
    const why = await explainJob(context, job, {
      limit: query(request, 'limit') === undefined ? SHOWN_DATUMS : limitOf(request),
      ...(datum === undefined ? {} : { datum }),
      ...(path === undefined ? {} : { path: normalizePath(path) }),
    });
    const mayRead = readableNames(request, context.journal);
    const output = await findCommit(context, job.pipeline, job.id);
    return {
      job: readableProvenance(viewJob(context, job, { output }), mayRead),
      against: why.earlier ? viewJob(context, why.earlier) : null,
      counts: why.counts ?? null,
      datums: why.datums.map((one) => readableWhy(viewWhy(one), mayRead)),
    };
  });
}
