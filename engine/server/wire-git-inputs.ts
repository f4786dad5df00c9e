// The schema of inputs that follow Git servers.

import { Type } from '@sinclair/typebox';
import { named, nullable, type Wire } from './wire-schema.ts';

export const GitInput = named(
  'GitInput',
  Type.Object({
    input: Type.String(),
    repo: Type.String({ description: '`project/name`.' }),
    url: Type.String(),
    branch: nullable(Type.String(), { description: 'Null: the one that the server shows first.' }),
    taken: nullable(Type.String(), {
      description: 'The last commit of the server that was taken.',
    }),
    looked: nullable(Type.String(), {
      description: 'When the engine that answers looked last, and will look next.',
    }),
    next: nullable(Type.String()),
    problem: Type.String({ description: 'Why that failed; empty where it did not.' }),
    hook: Type.String({ description: 'The path of the webhook, below the address of the engine.' }),
  }),
);
export type GitInput = Wire<typeof GitInput>;
