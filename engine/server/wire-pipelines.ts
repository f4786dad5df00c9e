// The schemas of pipelines.

import { Type } from '@sinclair/typebox';
import { HostView } from './wire-hosting.ts';
import { counts, named, nullable, record, type Wire } from './wire-schema.ts';
import { JobState, PipelineState } from './wire-states.ts';
import { CronTimes } from './wire-triggers.ts';

export const Pipeline = named(
  'Pipeline',
  Type.Object({
    project: Type.String(),
    name: Type.String(),
    version: Type.Integer(),
    description: Type.String(),
    state: PipelineState,
    reason: Type.String(),
    stopped: Type.Boolean(),
    created: Type.String(),
    updated: Type.String(),
    input: Type.String({
      description: 'Shorthand of the input: `training:/`, `images:/* ⨯ edges:/`.',
    }),
    outputBranch: Type.String(),
    lastJob: nullable(Type.Object({ id: Type.String(), state: JobState })),
    jobs: counts(JobState),
    host: nullable(HostView, { description: 'How it runs, of a service or spout.' }),
    crons: Type.Array(CronTimes, { description: 'Its cron inputs.' }),
    spec: record(Type.Unknown(), { description: 'The canonical spec.' }),
    userSpec: Type.String({ description: 'As the user wrote it. Empty in lists.' }),
    current: Type.Optional(
      Type.Boolean({
        description: 'False of an earlier version, which has no jobs of its own here.',
      }),
    ),
  }),
);
export type Pipeline = Wire<typeof Pipeline>;

export const PipelineChange = named(
  'PipelineChange',
  Type.Object({ pipeline: Pipeline, created: Type.Boolean(), warnings: Type.Array(Type.String()) }),
);
export type PipelineChange = Wire<typeof PipelineChange>;
