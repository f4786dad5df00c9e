// A span for each request, by the names that OpenTelemetry gives to what is known of one; never its path or query, which hold
// names and may hold secrets.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Span, Tracer } from '../base/tracer.ts';

/** What is asked every few seconds, and says nothing of what users do. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

/** Carries out a request to the door for S3 as a span, which ends with the answer. */
export function traceS3Request(
  tracer: Tracer,
  { message, response }: { readonly message: IncomingMessage; readonly response: ServerResponse },
  work: () => void,
): void {
  const { method = 'GET', headers, httpVersion, socket } = message;
  const [, bucket = '', ...key] = (message.url ?? '').split('?', 1)[0]?.split('/') ?? [];
  const route = bucket === '' ? '/' : key.join('') === '' ? '/{bucket}' : '/{bucket}/{key}';
  const span = tracer.beginRoot(`${method} ${route}`, {
    headers,
    facts: {
      'http.request.method': method,
      'http.route': route,
      'url.scheme': 'encrypted' in socket ? 'https' : 'http',
      'network.protocol.version': httpVersion,
    },
  });
  response.once('close', () => {
    const { statusCode, writableFinished } = response;
    span.set({
      'http.response.status_code': statusCode,
      'pfs.request.id': String(response.getHeader('x-amz-request-id')),
      'pfs.request.cut': writableFinished ? undefined : true,
    });
    if (statusCode >= 500) {
      span.fail(String(statusCode));
    }
    span.end();
  });
  span.within(work);
}

/** Begins a span with every request of a server, and ends it with the answer. */
export function traceRequests(server: FastifyInstance, tracer: Tracer): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  server.addHook('onRequest', (request, _reply, done) => {
    const { url: route } = request.routeOptions;
    if (route !== undefined && UNTRACED.has(route)) {
      done();
      return;
    }
    const { method } = request;
    const span = tracer.beginRoot(route === undefined ? method : `${method} ${route}`, {
      headers: request.headers,
      facts: {
        'http.request.method': method,
        'http.route': route,
        'url.scheme': request.protocol,
        'network.protocol.version': request.raw.httpVersion,
        'pfs.request.id': request.id,
      },
    });
    spans.set(request, span);
    span.within(done);
  });
  server.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request);
    if (span) {
      const { statusCode } = reply;
      span.set({
        'http.response.status_code': statusCode,
        'pfs.request.cut': reply.raw.writableFinished ? undefined : true,
      });
      if (statusCode >= 500) {
        span.fail(String(statusCode));
      }
      span.end();
    }
    done();
  });
}
