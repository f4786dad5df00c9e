// The schemas of states, images and counts that several subjects share.

import { Type } from '@sinclair/typebox';
import { DATUM_STATES, JOB_STATES, PIPELINE_STATES } from '../journal/states.ts';
import { named, oneOf, type Wire } from './wire-schema.ts';

export const CommitState = named('CommitState', oneOf(['open', 'finished', 'error']));
export type CommitState = Wire<typeof CommitState>;

export const Image = named(
  'Image',
  Type.Object({ reference: Type.String(), digest: Type.String() }),
);
export type Image = Wire<typeof Image>;

export const PipelineState = named('PipelineState', oneOf(PIPELINE_STATES));
export type PipelineState = Wire<typeof PipelineState>;

export const JobState = named('JobState', oneOf(JOB_STATES));
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

export const DatumState = named('DatumState', oneOf(DATUM_STATES));
export type DatumState = Wire<typeof DatumState>;
