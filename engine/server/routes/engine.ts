// The engine itself over HTTP: version, status, its end, and the journal.

import type { FastifyInstance } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { limitOf, query } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime } from '../views.ts';
import type { EngineStatus, JournalEntry, Page, Version } from '../wire.ts';

/** Adds the routes of the engine. */
export function engineRoutes(server: FastifyInstance, parts: EngineParts): void {
  const { context } = parts;

  server.get('/version', (): Version => ({ engine: parts.version, api: 1 }));

  server.get('/engine', async (): Promise<EngineStatus> => {
    const { ok, notes } = await parts.executorHealth();
    return {
      version: parts.version,
      id: parts.id,
      pid: process.pid,
      store: parts.storeUrl,
      started: isoTime(parts.started),
      sequence: context.journal.seq,
      executor: { kind: parts.executorKind, ok, notes },
      runningJobs: parts.runningJobs(),
    };
  });

  server.post('/engine/stop', (_request, reply) => {
    parts.shutDown();
    return reply.code(202).send();
  });

  server.get('/journal', async (request): Promise<Page<JournalEntry>> => {
    const limit = limitOf(request);
    const items: JournalEntry[] = [];
    const after = Number(query(request, 'after') ?? 0);
    if (!Number.isSafeInteger(after) || after < 0) {
      throw new EngineError('invalid', 'Cannot read the journal: "after" must be a number from 0');
    }
    for await (const entry of context.journal.entries(after + 1)) {
      if (items.length === limit) {
        return { items, next: String(entry.seq - 1) };
      }
      items.push({
        sequence: entry.seq,
        time: isoTime(entry.time),
        engine: entry.engine,
        transactions: entry.transactions.map(({ actor, request: id, operations }) => ({
          actor,
          request: id ?? null,
          operations: operations as Record<string, unknown>[],
        })),
      });
    }
    return { items, next: null };
  });
}
