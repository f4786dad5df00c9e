// The operations of provenance: where data came from, and why jobs did what they did.

import { Type } from '@sinclair/typebox';
import { Lineage } from '../wire-lineage.ts';
import { oneOf } from '../wire-schema.ts';
import { Why } from '../wire-why.ts';
import { operations, query, text } from './operation.ts';

export const PROVENANCE_OPERATIONS = operations({
  'GET /provenance': {
    id: 'getProvenance',
    tag: 'provenance',
    summary: 'Returns where a file or commit came from, or what was made from it.',
    query: query({
      repo: Type.String({ description: '`project/repo`.' }),
      ref: text('`master` where it is left out.'),
      path: text('The whole commit where it is left out.'),
      direction: Type.Optional(
        oneOf(['up', 'down'], {
          description: 'To the sources, as where it is left out, or from them.',
        }),
      ),
    }),
    answer: Lineage,
    example: { query: { repo: 'default/edges', path: '/a.csv' } },
  },
  'GET /pipelines/{project}/{pipeline}/jobs/{id}/why': {
    id: 'explainJob',
    tag: 'provenance',
    summary: 'Tells why a job ran its datums or skipped them.',
    query: query({
      datum: text('The beginning of an id.'),
      path: text('Of the output: the datums that wrote it.'),
      limit: Type.Optional(Type.Integer({ minimum: 1, description: 'The most datums: 20.' })),
    }),
    answer: Why,
    example: { query: { limit: 5 } },
  },
});
