// Pipelines over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { resolvePipeline } from '../../jobs/job-lookup.ts';
import { keptWarning } from '../../jobs/kept-results.ts';
import { readSpecCommit } from '../../jobs/spec-repo.ts';
import { specRepo } from '../../journal/records.ts';
import { resolveCommit } from '../../pfs/commit-lookup.ts';
import { DEFAULT_PROJECT } from '../../pfs/names.ts';
import { changing } from '../changing.ts';
import { flag, pageOf, pipelineOf, query, transactionOf } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { viewPipeline } from '../views.ts';
import type { PipelineChange } from '../wire.ts';

/** Adds the routes of pipelines. */
export function pipelineRoutes(server: FastifyInstance, { context, pool }: EngineParts): void {
  const change = changing(context);

  server.post('/pipelines', async (request): Promise<PipelineChange[]> => {
    if (typeof request.body !== 'string') {
      throw new EngineError('invalid', 'Cannot read the request: send the spec as text/plain');
    }
    const { body: specText } = request;
    const changes = await change(request, {
      kind: 'pipeline.put',
      text: specText,
      fileName: query(request, 'file') ?? 'spec',
      project: query(request, 'project') ?? DEFAULT_PROJECT,
      update: flag(request, 'update'),
      reprocess: flag(request, 'reprocess'),
    });
    return await Promise.all(
      changes.map(async ({ pipeline, created, warnings }) => {
        const kept = created ? undefined : await keptWarning(context, pipeline);
        return {
          pipeline: viewPipeline(pipeline),
          created,
          warnings: kept === undefined ? warnings : [...warnings, kept],
        };
      }),
    );
  });

  server.get('/pipelines', (request) => {
    const project = query(request, 'project');
    const pipelines = [...context.journal.state.pipelines.values()].filter(
      ({ key }) => project === undefined || key.startsWith(`${project}/`),
    );
    return pageOf(request, pipelines, {
      keyOf: (pipeline) => pipeline.key,
      view: (pipeline) => viewPipeline(pipeline, { waitsFor: pool.waitsFor(pipeline.key) }),
    });
  });

  server.get('/pipelines/:project/:pipeline', async (request) => {
    const pipeline = resolvePipeline(context, pipelineOf(request));
    const wanted = query(request, 'version');
    if (wanted === undefined || Number(wanted) === pipeline.version) {
      const { text } = await readSpecCommit(context, pipeline.key, pipeline.specCommit);
      return viewPipeline(pipeline, { userSpec: text, waitsFor: pool.waitsFor(pipeline.key) });
    }
    const commit = await resolveCommit(context, specRepo(pipeline.key), `master.${wanted}`);
    const { spec, text } = await readSpecCommit(context, pipeline.key, commit.id);
    return viewPipeline({ ...pipeline, spec, version: Number(wanted) }, { userSpec: text });
  });

  server.delete('/pipelines/:project/:pipeline', async (request, reply) => {
    const pipeline = pipelineOf(request);
    const [force, keepRepo] = [flag(request, 'force'), flag(request, 'keep-repo')];
    await change(request, { kind: 'pipeline.delete', pipeline, force, keepRepo });
    await release(request, pipeline);
    return reply.code(204).send();
  });

  server.post('/pipelines/:project/:pipeline/start', async (request) =>
    viewPipeline(await change(request, { kind: 'pipeline.start', pipeline: pipelineOf(request) })),
  );

  server.post('/pipelines/:project/:pipeline/tick', async (request) =>
    viewPipeline(await change(request, { kind: 'pipeline.tick', pipeline: pipelineOf(request) })),
  );

  server.post('/pipelines/:project/:pipeline/rerun', async (request) => {
    const [pipeline, reprocess] = [pipelineOf(request), flag(request, 'reprocess')];
    return viewPipeline(await change(request, { kind: 'pipeline.rerun', pipeline, reprocess }));
  });

  server.post('/pipelines/:project/:pipeline/stop', async (request) => {
    const pipeline = await change(request, {
      kind: 'pipeline.stop',
      pipeline: pipelineOf(request),
    });
    await release(request, pipeline.key);
    return viewPipeline(pipeline);
  });

  /** Lets go of the workers, unless a transaction is still to end the pipeline's work. */
  async function release(request: FastifyRequest, pipeline: string): Promise<void> {
    if (transactionOf(request) === undefined) {
      await pool.release(pipeline);
    }
  }
}
