// The schemas of the engine itself and its journal.

import { Type } from '@sinclair/typebox';
import { named, nullable, record, type Wire } from './wire-schema.ts';

export const Version = named(
  'Version',
  Type.Object({ engine: Type.String(), api: Type.Integer() }),
);
export type Version = Wire<typeof Version>;

export const EngineStatus = named(
  'EngineStatus',
  Type.Object({
    version: Type.String(),
    id: Type.String({ description: 'Random id of this run of the engine.' }),
    pid: Type.Integer(),
    store: Type.String(),
    started: Type.String(),
    sequence: Type.Integer({ description: 'The newest journal entry.' }),
    executor: Type.Object({
      kind: Type.String(),
      ok: Type.Boolean(),
      notes: Type.Array(Type.String()),
    }),
    runningJobs: Type.Integer(),
  }),
);
export type EngineStatus = Wire<typeof EngineStatus>;

export const JournalEntry = named(
  'JournalEntry',
  Type.Object({
    sequence: Type.Integer(),
    time: Type.String(),
    engine: Type.String(),
    transactions: Type.Array(
      Type.Object({
        actor: Type.String(),
        request: nullable(Type.String()),
        operations: Type.Array(record(Type.Unknown())),
      }),
    ),
  }),
);
export type JournalEntry = Wire<typeof JournalEntry>;
