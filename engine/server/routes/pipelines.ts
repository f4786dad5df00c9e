// Pipelines over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { keptWarning } from '../../jobs/kept-results.ts';
import {
  type PipelineVersion,
  pipelineVersion,
  pipelineVersions,
} from '../../jobs/pipeline-versions.ts';
import type { PipelineRecord } from '../../journal/records.ts';
import { PIPELINE_STATES } from '../../journal/states.ts';
import { DEFAULT_PROJECT } from '../../pfs/names.ts';
import type { PipelineSpec } from '../../pipeline/spec.ts';
import { changing } from '../changing.ts';
import { flag, pageOf, pipelineOf, query, transactionOf, wantedStates } from '../http.ts';
import { readableBy } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { viewPipeline } from '../view-pipeline.ts';
import type { Pipeline, PipelineChange } from '../wire.ts';

/** Adds the routes of pipelines. */
export function pipelineRoutes(
  server: FastifyInstance,
  { context, pool, hosting, executorKind }: EngineParts,
): void {
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
      ...ifVersion(request),
    });
    return await Promise.all(
      changes.map(async ({ pipeline, created, warnings }) => {
        const kept = created ? undefined : await keptWarning(context, pipeline);
        const more = [kept, ignoredImage(pipeline)].filter((warning) => warning !== undefined);
        return { pipeline: viewPipeline(pipeline), created, warnings: [...warnings, ...more] };
      }),
    );
  });

  server.get('/pipelines', (request) => {
    const project = query(request, 'project');
    const mayRead = readableBy(request, context.journal.state);
    const states = wantedStates(query(request, 'state'), {
      of: 'pipelines',
      known: PIPELINE_STATES,
    });
    const pipelines = [...context.journal.state.pipelines.values()].filter(
      (pipeline) =>
        mayRead(pipeline.key) &&
        (project === undefined || pipeline.key.startsWith(`${project}/`)) &&
        (states.length === 0 || states.includes(viewPipeline(pipeline).state)),
    );
    return pageOf(request, withEarlier(pipelines, earlierOf(request)), {
      keyOf: ({ pipeline, isCurrent }) =>
        isCurrent ? pipeline.key : `${pipeline.key}@${pipeline.version}`,
      view: viewVersion,
    });
  });

  server.get('/pipelines/:project/:pipeline', async (request) =>
    viewVersion(await pipelineVersion(context, pipelineOf(request), query(request, 'version'))),
  );

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

  function viewVersion({ pipeline, text: userSpec, isCurrent }: PipelineVersion): Pipeline {
    const waitsFor = isCurrent ? pool.waitsFor(pipeline.key) : '';
    return { ...viewPipeline(pipeline, { userSpec, waitsFor }), current: isCurrent };
  }

  async function* withEarlier(
    pipelines: readonly PipelineRecord[],
    earlier: number,
  ): AsyncGenerator<PipelineVersion> {
    for (const pipeline of pipelines) {
      yield* pipelineVersions(context, pipeline, earlier);
    }
  }

  function ignoredImage({ spec }: PipelineRecord): string | undefined {
    const { image } = (spec as unknown as PipelineSpec).transform;
    return executorKind === 'process'
      ? `image "${image}" is ignored: this engine runs commands with the programs of its own machine (--executor process)`
      : undefined;
  }

  /** Lets go of the workers, unless a transaction is still to end the pipeline's work. */
  async function release(request: FastifyRequest, pipeline: string): Promise<void> {
    if (transactionOf(request) === undefined) {
      await Promise.all([pool.release(pipeline), hosting.release(pipeline)]);
    }
  }
}

/** Reads which version a pipeline must be at to be changed. */
function ifVersion(request: FastifyRequest): { readonly ifVersion?: number } {
  const wanted = query(request, 'if-version');
  if (wanted === undefined) {
    return {};
  }
  if (!/^\d{1,9}$/.test(wanted)) {
    throw new EngineError(
      'invalid',
      `Cannot read the request: if-version "${wanted}" is no number`,
    );
  }
  return { ifVersion: Number(wanted) };
}

/** Returns how many earlier versions of each pipeline are wanted. */
function earlierOf(request: FastifyRequest): number {
  const history = query(request, 'history') ?? 'none';
  if (!/^(?:none|all|\d{1,9})$/.test(history)) {
    throw new EngineError(
      'invalid',
      `Cannot list "${history}" earlier versions: write a number, all or none`,
    );
  }
  return history === 'none' ? 0 : history === 'all' ? Infinity : Number(history);
}
