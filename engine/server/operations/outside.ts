// The operations beside the API: health and figures, at paths of their own.

import { Type } from '@sinclair/typebox';
import { operations } from './operation.ts';

export const OUTSIDE_OPERATIONS = operations({
  'GET /healthz': {
    id: 'getHealth',
    tag: 'engine',
    summary: 'Tells that the engine runs.',
    isOpen: true,
    answer: Type.Object({ ok: Type.Boolean() }),
    example: {},
  },
  'GET /readyz': {
    id: 'getReadiness',
    tag: 'engine',
    summary: 'Tells whether the engine can read and write its store.',
    isOpen: true,
    answer: Type.Object({ ready: Type.Boolean() }),
    example: {},
  },
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'engine',
    summary: 'Returns figures, as Prometheus reads them.',
    bytes: 'text/plain; version=0.0.4; charset=utf-8',
    example: {},
  },
});
