// The schemas of states, images and counts that several subjects share.

import { Type } from '@sinclair/typebox';
import { named, oneOf, type Wire } from './wire-schema.ts';

export const CommitState = named('CommitState', oneOf(['open', 'finished', 'error']));
export type CommitState = Wire<typeof CommitState>;

export const Image = named(
  'Image',
  Type.Object({ reference: Type.String(), digest: Type.String() }),
);
export type Image = Wire<typeof Image>;

export const PipelineState = named(
  'PipelineState',
  oneOf(['starting', 'running', 'paused', 'standby', 'crashing', 'failure']),
);
export type PipelineState = Wire<typeof PipelineState>;

export const JobState = named(
  'JobState',
  oneOf([
    'created',
    'starting',
    'running',
    'egressing',
    'finishing',
    'success',
    'failure',
    'killed',
    'unrunnable',
  ]),
);
export type JobState = Wire<typeof JobState>;

export const DatumCounts = named(
  'DatumCounts',
  Type.Object({
    total: Type.Integer(),
    processed: Type.Integer(),
    skipped: Type.Integer(),
    failed: Type.Integer(),
    recovered: Type.Integer(),
  }),
);
export type DatumCounts = Wire<typeof DatumCounts>;

export const DatumState = named(
  'DatumState',
  oneOf(['waiting', 'running', 'success', 'skipped', 'failed', 'recovered']),
);
export type DatumState = Wire<typeof DatumState>;
