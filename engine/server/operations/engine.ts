// The operations of the engine itself, its journal and its description.

import { Type } from '@sinclair/typebox';
import { EngineStatus, JournalEntry, Version } from '../wire-engine.ts';
import { page } from '../wire-schema.ts';
import { operations, PAGED, query } from './operation.ts';

export const ENGINE_OPERATIONS = operations({
  'GET /version': {
    id: 'getVersion',
    tag: 'engine',
    summary: 'Tells the versions of the engine and of its API.',
    isOpen: true,
    answer: Version,
    example: {},
  },
  'GET /openapi.json': {
    id: 'getDescription',
    tag: 'engine',
    summary: 'Describes the API as OpenAPI 3.1 does.',
    isOpen: true,
    answer: Type.Object({ openapi: Type.String() }),
    example: {},
  },
  'GET /reference': {
    id: 'getReference',
    tag: 'engine',
    summary: 'Shows this description as a page to read.',
    isOpen: true,
    bytes: 'text/html; charset=utf-8',
    example: {},
  },
  'GET /engine': {
    id: 'getEngine',
    tag: 'engine',
    summary: 'Tells how the engine is, and what it stands on.',
    answer: EngineStatus,
    example: {},
  },
  'POST /engine/stop': {
    id: 'stopEngine',
    tag: 'engine',
    summary: 'Ends the engine, once work under way is safe.',
    status: 202,
    isOnce: false,
    example: {},
  },
  'GET /journal': {
    id: 'listJournal',
    tag: 'engine',
    summary: 'Lists what has happened in the store, oldest first.',
    query: query({
      ...PAGED,
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'The sequence number of the entry before the first.',
        }),
      ),
    }),
    answer: page(JournalEntry),
    example: { query: { after: 2, limit: 3 } },
  },
});
