// The schemas of secrets. Values travel to the engine only, and the key only when it is asked for.

import { Type } from '@sinclair/typebox';
import { named, record, type Wire } from './wire-schema.ts';

export const PutSecret = named(
  'PutSecret',
  Type.Object({
    name: Type.Optional(Type.String({ description: 'May be left out where the document has it.' })),
    document: Type.Optional(
      Type.String({
        description: 'As Kubernetes has it, in JSON or YAML; `file` is its name for messages.',
      }),
    ),
    file: Type.Optional(Type.String()),
    type: Type.Optional(Type.String()),
    values: Type.Optional(
      record(Type.String(), { description: 'Values in base64, beside those of the document.' }),
    ),
  }),
);
export type PutSecret = Wire<typeof PutSecret>;

export const Secret = named(
  'Secret',
  Type.Object({
    name: Type.String(),
    version: Type.Integer(),
    type: Type.String(),
    created: Type.String(),
    updated: Type.String(),
    keys: Type.Array(Type.String(), { description: 'The names of its values.' }),
    readable: Type.Boolean({ description: 'Whether this engine has the key that opens it.' }),
    atRisk: Type.Boolean({ description: 'The key of this home that opens it is nowhere else.' }),
    usedBy: Type.Array(Type.String(), {
      description: '`project/name` of the pipelines that use it.',
    }),
  }),
);
export type Secret = Wire<typeof Secret>;

export const SecretKeys = named('SecretKeys', Type.Object({ text: Type.String() }));
export type SecretKeys = Wire<typeof SecretKeys>;

export const SecretKeyIds = named(
  'SecretKeyIds',
  Type.Object({
    ids: Type.Array(Type.String()),
    secrets: Type.Array(Type.String(), { description: 'Secrets that can be read now.' }),
  }),
);
export type SecretKeyIds = Wire<typeof SecretKeyIds>;
