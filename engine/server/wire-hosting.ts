// The schema of how services and spouts run.

import { Type } from '@sinclair/typebox';
import { named, nullable, type Wire } from './wire-schema.ts';

export const HostView = named(
  'HostView',
  Type.Object({
    engine: nullable(Type.String(), {
      description: 'The engine that hosts it; null for none at the moment.',
    }),
    address: nullable(Type.Object({ host: Type.String(), port: Type.Integer() }), {
      description: 'Where the service is reached, on the machine of that engine.',
    }),
    serving: nullable(Type.String(), {
      description: 'The commit set whose data is served; null where none is, and for a spout.',
    }),
    version: nullable(Type.Integer(), {
      description: 'The pipeline version that runs; null where nothing does.',
    }),
    readySince: nullable(Type.String(), {
      description: 'Since when it has been ready without a break; null while it is not. ISO 8601.',
    }),
    restarts: Type.Integer({ description: 'How often its container ended by itself.' }),
    lastRestart: nullable(Type.Object({ time: Type.String(), reason: Type.String() })),
  }),
);
export type HostView = Wire<typeof HostView>;
