// The schemas of pipelines that are not made yet.

import { Type } from '@sinclair/typebox';
import { Datum } from './wire-jobs.ts';
import { named, oneOf, record, type Wire } from './wire-schema.ts';

export const PlannedDatum = named(
  'PlannedDatum',
  Type.Object(
    {
      pipeline: Type.String(),
      id: Type.String(),
      state: oneOf(['waiting', 'skipped'], {
        description: '`skipped`: its result is there already.',
      }),
      inputs: Datum.properties.inputs,
    },
    { description: 'A datum that a pipeline would have on the current heads.' },
  ),
);
export type PlannedDatum = Wire<typeof PlannedDatum>;

export const PipelinePreview = named(
  'PipelinePreview',
  Type.Object(
    {
      project: Type.String(),
      name: Type.String(),
      version: Type.Integer(),
      created: Type.Boolean({ description: 'False where it exists and would be changed.' }),
      spec: record(Type.Unknown(), {
        description: 'The canonical spec: defaults filled in, old names translated.',
      }),
      warnings: Type.Array(Type.String()),
      notes: Type.Array(Type.String(), {
        description: 'Why its first job may have other datums, one sentence each.',
      }),
      datums: Type.Object({ total: Type.Integer(), skipped: Type.Integer() }),
      first: Type.Array(PlannedDatum, { description: 'The first datums, at most 20.' }),
    },
    { description: 'A pipeline as `POST /pipelines` would make it.' },
  ),
);
export type PipelinePreview = Wire<typeof PipelinePreview>;

export const SpecValidation = named(
  'SpecValidation',
  Type.Object(
    {
      project: Type.String(),
      name: Type.String(),
      version: Type.Integer({
        description: 'That it would get: 1 where the pipeline would be made.',
      }),
      warnings: Type.Array(Type.String()),
    },
    { description: 'A spec that is right, and fits the repos and pipelines that there are.' },
  ),
);
export type SpecValidation = Wire<typeof SpecValidation>;
