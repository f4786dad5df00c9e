// The server of an engine that could not open its store because it is damaged, or can't be written to: it answers what helps to
// put the store right, and to everything else says why it can't.

import type { FastifyInstance } from 'fastify';
import { EngineError } from '../base/errors.ts';
import type { StoreParts } from './parts.ts';
import { storeRoutes } from './routes/store.ts';
import { bareServer, type ServerOptions } from './server.ts';
import { isoTime } from './views.ts';
import { API_PREFIX, type EngineStatus, type Version } from './wire.ts';

export interface RescueParts {
  readonly store: StoreParts;
  /** Why the store could not be opened. */
  readonly reason: EngineError;
  readonly version: string;
  readonly id: string;
  readonly executorKind: string;
  readonly started: number;
  shutDown(): void;
}

/** Makes the server; it does not listen yet. */
export function makeRescueServer(parts: RescueParts, options: ServerOptions): FastifyInstance {
  const { reason, store } = parts;
  const server = bareServer(parts.version, options);
  for (const path of ['/healthz', '/readyz']) {
    server.get(path, () => {
      throw reason;
    });
  }
  const api = async (routes: FastifyInstance): Promise<void> => {
    routes.get('/version', (): Version => ({ engine: parts.version, api: 1 }));
    routes.get('/engine', async (): Promise<EngineStatus> => {
      const { ok, notes } = await store.executorHealth();
      return {
        version: parts.version,
        id: parts.id,
        pid: process.pid,
        store: store.bucket.url,
        started: isoTime(parts.started),
        sequence: 0,
        executor: { kind: parts.executorKind, ok, notes: [reason.message, ...notes] },
        runningJobs: 0,
      };
    });
    routes.post('/engine/stop', (_request, reply) => {
      parts.shutDown();
      return reply.code(202).send();
    });
    storeRoutes(routes, store);
    routes.all('/*', () => {
      throw new EngineError(
        reason.code,
        `${reason.message}. Until that is put right only pfs fsck, pfs mirror, pfs doctor and pfs engine work: run pfs fsck`,
        { cause: reason, details: reason.details },
      );
    });
  };
  void server.register(api, { prefix: API_PREFIX });
  return server;
}
