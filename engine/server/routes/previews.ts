// What specs would do, over HTTP. Nothing here changes anything.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { demandReading } from '../../jobs/pipeline-maker.ts';
import { checkBatch, type PutPipelines } from '../../jobs/pipelines.ts';
import { type PlannedPipeline, previewPipelines } from '../../jobs/preview.ts';
import { readSpecs } from '../../jobs/spec-reading.ts';
import { DEFAULT_PROJECT } from '../../pfs/names.ts';
import { pipelineKey } from '../../pipeline/spec.ts';
import { flag, query, sendLines, untilGone } from '../http.ts';
import { askerOf } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { viewPlannedDatum } from '../views.ts';
import type { PipelinePreview, PlannedDatum, SpecValidation } from '../wire-previews.ts';

const SHOWN_DATUMS = 20;

/** Adds the routes of previews. */
export function previewRoutes(server: FastifyInstance, { context }: EngineParts): void {
  server.post('/previews', async (request, reply): Promise<PipelinePreview[]> => {
    const gone = untilGone(reply);
    const pipelines = await previewPipelines(context, {
      ...asked(request),
      asker: askerOf(request),
      update: flag(request, 'update'),
    });
    const previews: PipelinePreview[] = [];
    for (const pipeline of pipelines) {
      previews.push(await preview(pipeline, gone));
    }
    return previews;
  });

  server.post('/validations', async (request): Promise<SpecValidation[]> => {
    const { state } = context.journal;
    const specs = readSpecs(asked(request).text, { ...asked(request), state });
    const names = specs.map(({ spec }) => spec);
    demandReading(state, askerOf(request), names);
    return checkBatch(state, specs, { update: true }).map(({ spec, warnings }) => {
      const { name, project } = spec.pipeline;
      const known = state.pipelines.get(pipelineKey(spec));
      return { project: project.name, name, version: (known?.version ?? 0) + 1, warnings };
    });
  });

  server.post('/previews/datums', async (request, reply) => {
    const pipelines = await previewPipelines(context, {
      ...asked(request),
      asker: askerOf(request),
      update: true,
    });
    return sendLines(reply, lines(pipelines, untilGone(reply)));
  });
}

function asked(request: FastifyRequest): Omit<PutPipelines, 'update'> {
  if (typeof request.body !== 'string') {
    throw new EngineError('invalid', 'Cannot read the request: send the spec as text/plain');
  }
  return {
    text: request.body,
    fileName: query(request, 'file') ?? 'spec',
    project: query(request, 'project') ?? DEFAULT_PROJECT,
    reprocess: flag(request, 'reprocess'),
  };
}

async function preview(pipeline: PlannedPipeline, gone: AbortSignal): Promise<PipelinePreview> {
  const { spec, created, version, warnings, notes } = pipeline;
  const { name, project } = spec.pipeline;
  const first: PlannedDatum[] = [];
  let total = 0;
  let skipped = 0;
  for await (const datum of pipeline.datums()) {
    if (gone.aborted) {
      break;
    }
    total += 1;
    skipped += datum.isDone ? 1 : 0;
    if (first.length < SHOWN_DATUMS) {
      first.push(viewPlannedDatum(name, datum));
    }
  }
  const datums = { total, skipped };
  return { project: project.name, name, version, created, spec, warnings, notes, datums, first };
}

async function* lines(
  pipelines: readonly PlannedPipeline[],
  gone: AbortSignal,
): AsyncGenerator<PlannedDatum> {
  for (const pipeline of pipelines) {
    for await (const datum of pipeline.datums()) {
      if (gone.aborted) {
        return;
      }
      yield viewPlannedDatum(pipeline.spec.pipeline.name, datum);
    }
  }
}
