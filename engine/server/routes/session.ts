// Sign-ins of browsers over HTTP. A token comes in a body, never in an address, and leaves as a cookie that no script reads.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { text } from '../http.ts';
import type { Identity } from '../identity.ts';
import { sessionCookie, setSessionCookie } from '../session-cookie.ts';
import type { Sessions } from '../sessions.ts';
import { identityOf, type SignInOptions } from '../sign-in.ts';
import { isoTime } from '../views.ts';
import type { SessionCode, WhoAmI } from '../wire-auth.ts';
import { whoIs } from './auth.ts';

/** Adds the routes of browsers' sign-ins. */
export function sessionRoutes(
  server: FastifyInstance,
  {
    context,
    sessions,
    signIn,
  }: {
    readonly context: PfsContext;
    readonly sessions: Sessions;
    readonly signIn: SignInOptions;
  },
): void {
  server.post('/session', async (request, reply): Promise<WhoAmI> => {
    reply.header('cache-control', 'no-store');
    request.identity = identified(request);
    const { secret, seconds } = sessions.begin(request.identity);
    setSessionCookie(reply, secret, seconds);
    return whoIs(context, request);
  });

  server.get('/session', (request, reply): WhoAmI => {
    reply.header('cache-control', 'no-store');
    return whoIs(context, request);
  });

  server.delete('/session', (request, reply) => {
    sessions.end(sessionCookie(request) ?? '');
    setSessionCookie(reply, '', 0);
    return reply.code(204).send();
  });

  server.post('/session/codes', (request, reply): SessionCode => {
    reply.header('cache-control', 'no-store');
    if (request.identity === null) {
      throw new EngineError('unauthenticated', 'Cannot make a code: the request names nobody');
    }
    const { code, expires } = sessions.makeCode(request.identity);
    return { code, expires: isoTime(expires) };
  });

  function identified(request: FastifyRequest): Identity {
    const [token, code] = [text(request, 'token'), text(request, 'code')];
    if ((token === undefined) === (code === undefined)) {
      throw new EngineError('invalid', 'Cannot sign in: send a token or a code');
    }
    sessions.checkRate(request.ip);
    const found = code === undefined ? identityOf(token ?? '', signIn) : sessions.takeCode(code);
    if (found === undefined || 'refused' in found) {
      sessions.noteFailure(request.ip);
      throw new EngineError(
        'unauthenticated',
        code === undefined
          ? 'Cannot sign in: the token is wrong, has expired or was revoked'
          : 'Cannot sign in: the code is wrong, was used, or is older than a minute; run pfs ui again',
      );
    }
    return found;
  }
}
