// The schemas of why jobs ran their datums.

import { Type } from '@sinclair/typebox';
import { Datum, Job } from './wire-jobs.ts';
import { RepoName } from './wire-repos.ts';
import { counts, named, nullable, oneOf, reference, type Wire } from './wire-schema.ts';
import { Image } from './wire-states.ts';

export const Cause = named(
  'Cause',
  oneOf(['same', 'new', 'changed', 'reprocess', 'every_job', 'failed_before', 'no_result'], {
    description:
      '`same`: skipped, its result is used again. Else it ran, or will: `new` (no datum of these paths before), `changed` (other content or mode), `reprocess` (all were to be made anew), `every_job` (the spec says so), `failed_before`, `no_result` (it was there before, and was never processed to its end).',
  }),
);
export type Cause = Wire<typeof Cause>;

export const Difference = named(
  'Difference',
  Type.Object(
    {
      part: oneOf(['path', 'content', 'mode', 'combination', 'salt'], {
        description: '`combination`: all of its files were there, and no datum together.',
      }),
      input: nullable(Type.Object({ name: Type.String(), repo: RepoName, path: Type.String() }), {
        description: 'Null for what concerns the whole datum.',
      }),
      was: nullable(Type.String(), { description: 'Git object ids or modes.' }),
      is: nullable(Type.String()),
      files: Type.Array(Type.String(), {
        description:
          'Of a directory with other content: the first files that differ; a last one of `…` stands for more.',
      }),
    },
    { description: "A part of a datum's identity that differs from the job before." },
  ),
);
export type Difference = Wire<typeof Difference>;

const DatumWhyFields = Type.Object({
  datum: Datum,
  cause: Cause,
  differences: Type.Array(Difference),
  earlier: nullable(
    Type.Object({
      job: Type.String(),
      state: oneOf(['success', 'failed', 'recovered']),
      reason: Type.String(),
      version: Type.Integer(),
      image: nullable(Image),
    }),
    { description: 'The result there was before the job: that is used, or that failed.' },
  ),
});
export interface DatumWhy extends Wire<typeof DatumWhyFields> {
  readonly made: DatumWhy | null;
}
export const DatumWhy = named(
  'DatumWhy',
  Type.Unsafe<DatumWhy>(
    Type.Object({
      ...DatumWhyFields.properties,
      made: nullable(reference<DatumWhy>('DatumWhy'), {
        description:
          'Of a skipped datum, where single ones are asked about: why the job that made its result ran it.',
      }),
    }),
  ),
);

export const Why = named(
  'Why',
  Type.Object({
    job: Job,
    against: nullable(Job, { description: 'The job before, with which it is compared.' }),
    counts: nullable(counts(Cause), {
      description: 'Of all datums; null where single ones are asked about.',
    }),
    datums: Type.Array(DatumWhy, { description: 'Those that ran come first.' }),
  }),
);
export type Why = Wire<typeof Why>;
