// The schemas of jobs, datums and logs.

import { Type } from '@sinclair/typebox';
import { CommitLink } from './wire-commits.ts';
import { RepoName } from './wire-repos.ts';
import { named, nullable, type Wire } from './wire-schema.ts';
import { DatumCounts, DatumState, Image, JobState } from './wire-states.ts';

export const RestartedDatums = named(
  'RestartedDatums',
  Type.Object(
    { restarted: Type.Array(Type.Object({ datum: Type.String(), worker: Type.String() })) },
    { description: 'Datums that begin again.' },
  ),
);
export type RestartedDatums = Wire<typeof RestartedDatums>;

export const FailedDatum = named(
  'FailedDatum',
  Type.Object({
    id: Type.String(),
    reason: Type.String(),
    output: Type.Array(Type.String(), { description: 'The last lines it printed.' }),
  }),
);
export type FailedDatum = Wire<typeof FailedDatum>;

export const Job = named(
  'Job',
  Type.Object({
    project: Type.String(),
    pipeline: Type.String(),
    id: Type.String(),
    version: Type.Integer(),
    state: JobState,
    reason: Type.String({
      description: 'Why it ended as it did; before that, what keeps it from running.',
    }),
    waits: Type.Boolean({
      description: 'Whether it waits for room on the machine, which `reason` then says more about.',
    }),
    created: Type.String(),
    started: nullable(Type.String()),
    finished: nullable(Type.String()),
    restarts: Type.Integer(),
    retries: nullable(Type.String(), { description: 'The failed job that this one does again.' }),
    datums: DatumCounts,
    stats: Type.Object({
      downloadBytes: Type.Integer(),
      uploadBytes: Type.Integer(),
      downloadMs: Type.Number(),
      processMs: Type.Number(),
      uploadMs: Type.Number(),
    }),
    image: nullable(Image),
    provenance: Type.Array(CommitLink),
    outputBranch: Type.String(),
    failed: Type.Optional(
      Type.Array(FailedDatum, { description: 'Only when one job is asked for.' }),
    ),
    workers: Type.Optional(
      Type.Array(
        Type.Object({
          id: Type.String(),
          datum: nullable(Type.String()),
          since: nullable(Type.String(), { description: 'Since when it has its datum, or waits.' }),
          waitsFor: Type.String({
            description:
              'Why it does not work: there is no room for it on the machine now. Empty where that is not so.',
          }),
        }),
        { description: 'Only when one job is asked for, while it runs.' },
      ),
    ),
  }),
);
export type Job = Wire<typeof Job>;

export const Datum = named(
  'Datum',
  Type.Object({
    id: Type.String(),
    hash: Type.String(),
    job: Type.String(),
    state: DatumState,
    producedBy: nullable(Type.String(), {
      description:
        'The job that produced the stored result: another one where this job skipped the datum.',
    }),
    inputs: Type.Array(
      Type.Object({
        name: Type.String(),
        repo: RepoName,
        branch: Type.String(),
        commit: Type.String(),
        path: Type.String(),
        size: Type.Integer(),
      }),
    ),
    reason: Type.String(),
    exitCode: nullable(Type.Integer()),
    tries: Type.Integer(),
    started: nullable(Type.String()),
    stats: nullable(Job.properties.stats),
    version: nullable(Type.Integer()),
    image: nullable(Image),
    secrets: Type.Optional(
      Type.Array(Type.String(), {
        description:
          '`name@version` of the secrets that its result was made with; absent for none.',
      }),
    ),
  }),
);
export type Datum = Wire<typeof Datum>;

export const LogLine = named(
  'LogLine',
  Type.Object({
    time: Type.String(),
    project: Type.String(),
    pipeline: Type.String(),
    job: Type.String(),
    datum: Type.String(),
    message: Type.String(),
  }),
);
export type LogLine = Wire<typeof LogLine>;
