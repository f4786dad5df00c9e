// The schemas of sessions of people who work on one datum. Nothing of it is recorded.

import { Type } from '@sinclair/typebox';
import { Datum } from './wire-jobs.ts';
import { named, nullable, type Wire } from './wire-schema.ts';

export const TerminalSize = named(
  'TerminalSize',
  Type.Object({ columns: Type.Integer(), rows: Type.Integer() }),
);
export type TerminalSize = Wire<typeof TerminalSize>;

export const DebugRequest = named(
  'DebugRequest',
  Type.Object({
    command: Type.Array(Type.String(), { description: 'argv; empty: a shell.' }),
    terminal: Type.Optional(
      Type.Object(
        { ...TerminalSize.properties, type: Type.String() },
        { description: '`type` is what `TERM` says.' },
      ),
    ),
  }),
);
export type DebugRequest = Wire<typeof DebugRequest>;

export const RunLocalRequest = named(
  'RunLocalRequest',
  Type.Object({
    spec: Type.String({ description: 'Of the spec file.' }),
    file: Type.String({ description: 'For messages.' }),
    project: Type.String(),
    pipeline: Type.Optional(
      Type.String({ description: 'Which pipeline, where the spec has several.' }),
    ),
    datum: Type.Optional(
      Type.Union([Type.Integer(), Type.String()], {
        description:
          'Which datum: its number from 0, or a path that it reads; the first where absent.',
      }),
    ),
    mounts: Type.Array(Type.String(), {
      description: 'Where the directories that are sent appear in the container; absolute.',
    }),
    output: Type.Boolean({ description: 'Whether the files of the output are to be sent.' }),
  }),
);
export type RunLocalRequest = Wire<typeof RunLocalRequest>;

export const BenchStart = named(
  'BenchStart',
  Type.Object(
    {
      datum: Type.String(),
      inputs: Datum.properties.inputs,
      image: Type.Object({ reference: Type.String(), digest: Type.String() }),
      command: Type.Array(Type.String(), { description: 'Of the spec.' }),
      warnings: Type.Array(Type.String()),
    },
    { description: 'The surroundings of the command, once they stand.' },
  ),
);
export type BenchStart = Wire<typeof BenchStart>;

export const BenchEnd = named(
  'BenchEnd',
  Type.Object({
    exitCode: nullable(Type.Integer(), {
      description: 'Null where the command did not end by itself.',
    }),
    ok: Type.Boolean({
      description:
        'Whether a job would take it for a success; of `debug`, whether it ended with 0.',
    }),
    reason: Type.String(),
    files: Type.Array(Type.Object({ path: Type.String(), size: Type.Integer() }), {
      description: 'The first files of the output, and how many there are. Of `debug`, none.',
    }),
    fileCount: Type.Integer(),
    processMs: Type.Number(),
  }),
);
export type BenchEnd = Wire<typeof BenchEnd>;
