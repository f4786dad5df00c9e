// A span for each request, by the names that OpenTelemetry gives to what is known of one; never its path or query, which hold
// names and may hold secrets.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Span, Tracer } from '../base/tracer.ts';

/** What is asked every few seconds, and says nothing of what users do. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

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
