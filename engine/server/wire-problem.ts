// The schema of errors, as they travel: problem details (RFC 9457).

import { Type } from '@sinclair/typebox';
import { named, record, type Wire } from './wire-schema.ts';

export const Problem = named(
  'Problem',
  Type.Object({
    type: Type.String({ description: '`/problems/<code>`.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'The sentence for the user.' }),
    code: Type.String(),
    instance: Type.Optional(
      Type.String({
        description: '`/requests/<id>`: the request, as the log of the engine names it.',
      }),
    ),
    details: Type.Optional(
      record(
        Type.Union([Type.String(), Type.Integer(), Type.Boolean(), Type.Array(Type.String())]),
      ),
    ),
  }),
);
export type Problem = Wire<typeof Problem>;
