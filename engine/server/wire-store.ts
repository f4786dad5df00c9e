// The schemas of what is found in, and done to, the store itself.

import { Type } from '@sinclair/typebox';
import { named, nullable, oneOf, type Wire } from './wire-schema.ts';

export const StoreProgress = named(
  'StoreProgress',
  Type.Object({
    kind: oneOf(['progress']),
    stage: Type.String(),
    done: Type.Integer(),
    total: Type.Integer({ description: '0 where it is not known.' }),
  }),
);
export type StoreProgress = Wire<typeof StoreProgress>;

export const StoreFinding = named(
  'StoreFinding',
  Type.Object({
    kind: oneOf(['finding']),
    level: oneOf(['damage', 'warning', 'note']),
    key: nullable(Type.String(), { description: 'The object of the bucket it is about.' }),
    message: Type.String(),
    remedy: nullable(oneOf(['rebuild', 'copy']), {
      description:
        'What would put it right: making it again from other objects, or a copy of the store.',
    }),
  }),
);
export type StoreFinding = Wire<typeof StoreFinding>;

export const CheckSummary = named(
  'CheckSummary',
  Type.Object({
    kind: oneOf(['summary']),
    data: Type.Boolean(),
    sequence: Type.Integer(),
    commits: Type.Integer(),
    packs: Type.Integer(),
    objects: Type.Integer(),
    bytes: Type.Integer(),
    damaged: Type.Integer(),
    warnings: Type.Integer(),
    affected: Type.Array(
      Type.Object({
        repo: Type.String(),
        path: Type.String(),
        commits: Type.Integer(),
        newest: Type.String(),
      }),
    ),
    omitted: Type.Integer(),
  }),
);
export type CheckSummary = Wire<typeof CheckSummary>;

export const CheckReport = named(
  'CheckReport',
  Type.Union([StoreProgress, StoreFinding, CheckSummary]),
);
export type CheckReport = Wire<typeof CheckReport>;

export const Repaired = named(
  'Repaired',
  Type.Object({
    kind: oneOf(['repaired']),
    key: nullable(Type.String(), {
      description: 'The object of the bucket; null for objects that were in none of them any more.',
    }),
    message: Type.String(),
  }),
);
export type Repaired = Wire<typeof Repaired>;

export const RepairReport = named('RepairReport', Type.Union([CheckReport, Repaired]));
export type RepairReport = Wire<typeof RepairReport>;

export const MirrorSummary = named(
  'MirrorSummary',
  Type.Object({
    kind: oneOf(['summary']),
    sequence: Type.Integer(),
    copied: Type.Integer(),
    bytes: Type.Integer(),
    deleted: Type.Integer(),
  }),
);
export type MirrorSummary = Wire<typeof MirrorSummary>;

export const MirrorReport = named('MirrorReport', Type.Union([StoreProgress, MirrorSummary]));
export type MirrorReport = Wire<typeof MirrorReport>;

export const DoctorCheck = named(
  'DoctorCheck',
  Type.Object({
    name: Type.String(),
    state: oneOf(['ok', 'warning', 'problem']),
    detail: Type.String(),
    remedy: Type.String({ description: 'What to do; empty where nothing is.' }),
  }),
);
export type DoctorCheck = Wire<typeof DoctorCheck>;

export const DoctorReport = named('DoctorReport', Type.Object({ checks: Type.Array(DoctorCheck) }));
export type DoctorReport = Wire<typeof DoctorReport>;
