// The cookie of a browser's session: what it is called, and how it is read and set.

import type { FastifyReply, FastifyRequest } from 'fastify';

/** Cookies are shared by all ports of a host; engines are not. */
function nameFor(request: FastifyRequest): string {
  const port = /:(\d+)$/.exec(request.headers.host ?? '')?.[1] ?? '';
  return `pfs_session${port && `_${port}`}`;
}

/** Returns what the cookie of a request holds; undefined where there is none. */
export function sessionCookie(request: FastifyRequest): string | undefined {
  const name = nameFor(request);
  for (const pair of (request.headers.cookie ?? '').split(/;\s*/)) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at) === name) {
      return pair.slice(at + 1);
    }
  }
  return undefined;
}

/** Sets the cookie for so many seconds; 0 takes it away. */
export function setSessionCookie(reply: FastifyReply, secret: string, seconds: number): void {
  const { request } = reply;
  const isSecure = request.protocol === 'https';
  const parts = [
    `${nameFor(request)}=${secret}`,
    'Path=/',
    `Max-Age=${seconds}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(isSecure ? ['Secure'] : []),
  ];
  reply.header('set-cookie', parts.join('; '));
}
