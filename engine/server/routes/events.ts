// Changes over HTTP, as they happen.

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { EngineError } from '../../base/errors.ts';
import type { State } from '../../journal/state.ts';
import type { ChangeLog } from '../change-log.ts';
import { EVENTS_TYPE, type EventFilter, eventStream, unlessStuck } from '../event-stream.ts';
import { query, untilGone } from '../http.ts';
import { visibleKeys } from '../visible-keys.ts';
import { CHANGE_KINDS, type ChangeKind } from '../wire-events.ts';

/** Adds the route of events. */
export function eventRoutes(
  server: FastifyInstance,
  {
    changes,
    clock,
    state,
  }: { readonly changes: ChangeLog; readonly clock: Clock; readonly state: () => State },
): void {
  server.get('/events', async (request, reply) => {
    const filter = { ...filterOf(request), sees: visibleKeys(request, state) };
    const asked = positionOf(request);
    const signal = untilGone(reply);
    if (asked !== undefined) {
      await changes.reach(asked);
    }
    const position = asked ?? changes.seq;
    const texts = eventStream(changes, { position, filter, clock, signal });
    reply.type(EVENTS_TYPE).header('cache-control', 'no-store');
    const giveUp = () => reply.raw.destroy();
    return reply.send(Readable.from(unlessStuck(texts, { clock, giveUp }), { objectMode: false }));
  });
}

function filterOf(request: FastifyRequest): EventFilter {
  const project = query(request, 'project');
  const kinds = query(request, 'kinds')?.split(',') ?? CHANGE_KINDS;
  const known: readonly string[] = CHANGE_KINDS;
  const unknown = kinds.find((kind) => !known.includes(kind));
  if (unknown !== undefined) {
    throw new EngineError(
      'invalid',
      `Cannot tell of changes of "${unknown}": there is no such kind; the kinds are ${known.join(', ')}`,
    );
  }
  return {
    kinds: new Set(kinds as readonly ChangeKind[]),
    ...(project === undefined ? {} : { project }),
  };
}

/** Returns the position after which the client wants to hear of changes; undefined: from now on. */
function positionOf(request: FastifyRequest): number | undefined {
  // What a browser sends when it comes again is newer than the address that it was given.
  const text = request.headers['last-event-id'] ?? query(request, 'after');
  if (text === undefined) {
    return undefined;
  }
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) {
    throw new EngineError(
      'invalid',
      `Cannot tell of changes after "${String(text)}": a position is the id of an event, a number from 0`,
    );
  }
  return Number(text);
}
