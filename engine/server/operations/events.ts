// The operation of changes as they happen.

import { Type } from '@sinclair/typebox';
import { operations, query, text } from './operation.ts';

export const EVENT_OPERATIONS = operations({
  'GET /events': {
    id: 'followChanges',
    tag: 'engine',
    summary: 'Tells of changes as they happen, as server-sent events. It does not end.',
    description:
      'Each event has the number of a journal entry as its `id`; `event: change` holds a `Change`, `event: reset` a `Reset`, where some are lost and everything is to be read again. The header `Last-Event-ID`, or `after`, lets them go on after a cut.',
    query: query({
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'The last position seen; from now on without it.',
        }),
      ),
      project: text('Only of this project.'),
      kinds: text('Only of these kinds of things, with commas between them.'),
    }),
    bytes: 'text/event-stream',
    example: { query: { after: 0, kinds: 'repos,commits' } },
  },
});
