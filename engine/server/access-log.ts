// What the engine's log can say of each request, and the id by which a request is found there. Never a query, which may hold secrets.

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Header of requests, where a client names one, and of all answers. */
export const REQUEST_ID_HEADER = 'request-id';

const WELL_FORMED = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/;

/** A request that was answered, or broke off. */
export interface AnsweredRequest {
  readonly request: string;
  readonly method: string;
  /** The pattern of the path: names of repos are left out as well. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  /** Of the answer, its headers included. */
  readonly bytes: number;
  /** The client went away before the end. */
  readonly cut?: true;
}

/** Returns the id of a request: its client's, where that is one, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders, newId: () => string): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && WELL_FORMED.test(given) ? given : newId();
}

/** Returns the pattern of a request's path, of which there are few. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}

/** Tells of every request once it is over. */
export function logAccess(
  server: FastifyInstance,
  onAnswered: (answered: AnsweredRequest) => void,
): void {
  const sent = new WeakMap<FastifyRequest, number>();
  server.addHook('onRequest', (request, _reply, done) => {
    sent.set(request, request.raw.socket.bytesWritten);
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    onAnswered({
      request: request.id,
      method: request.method,
      route: routeOf(request),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      bytes: request.raw.socket.bytesWritten - (sent.get(request) ?? 0),
      ...(reply.raw.writableFinished ? {} : { cut: true }),
    });
    done();
  });
}
