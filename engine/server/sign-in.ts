// Recognizing who sends a request: by a token, which Git sends as a password.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLocalToken } from '../auth/local-token.ts';
import { findToken, isGood, type Shown } from '../auth/tokens.ts';
import type { State } from '../journal/state.ts';
import { unauthenticated } from './access.ts';
import { GIT_PREFIX } from './git/prefix.ts';
import { type Identity, localIdentity } from './identity.ts';
import { sessionCookie } from './session-cookie.ts';
import type { Sessions } from './sessions.ts';

export interface SignInOptions {
  /** The token of the engine's home. */
  readonly token: string;
  /** Where users are; undefined where the store could not be opened. */
  readonly state: (() => State) | undefined;
  readonly now: () => number;
  /** Those of browsers; undefined where the store could not be opened. */
  readonly sessions: Sessions | undefined;
}

/** Returns who sends a request; rejects with `unauthenticated` who shows no good token. */
export function identify(
  request: FastifyRequest,
  reply: FastifyReply,
  options: SignInOptions,
): Identity {
  const isGit = request.url.startsWith(`${GIT_PREFIX}/`);
  if (!isGit && request.headers.authorization === undefined) {
    const identity = identityOfSession(request, options);
    if (identity) {
      return identity;
    }
  }
  const secret = (isGit ? passwordOf(request) : undefined) ?? bearerOf(request);
  const found = identityOf(secret, options);
  if ('refused' in found) {
    if (isGit) {
      reply.header('www-authenticate', 'Basic realm="pfs", charset="UTF-8"');
    }
    throw unauthenticated(REFUSALS[found.refused]);
  }
  return found;
}

/** Returns whose browser sends a request; undefined where its cookie is none, or the token that it was given for is good no more. */
function identityOfSession(
  request: FastifyRequest,
  { sessions, state, now }: SignInOptions,
): Identity | undefined {
  const cookie = sessionCookie(request);
  const identity = cookie === undefined ? undefined : sessions?.find(cookie);
  if (
    identity === undefined ||
    (identity.token && !(state && isGood(state(), identity.token, now())))
  ) {
    return undefined;
  }
  // A foreign one was refused before; none at all may come from a page that hides where it is from.
  if (!/^(?:GET|HEAD)$/.test(request.method) && request.headers.origin === undefined) {
    throw unauthenticated('a browser that changes something must say from where, in Origin');
  }
  return identity;
}

/** Returns whose token this is, or why it is nobody's. */
export function identityOf(
  secret: string,
  { token, state, now }: SignInOptions,
): Identity | Extract<Shown, { refused: unknown }> {
  if (isLocalToken(secret, token)) {
    return localIdentity();
  }
  const shown: Shown = state ? findToken(state(), secret, now()) : { refused: 'unknown' };
  return 'refused' in shown
    ? shown
    : { asker: { actor: shown.user.name, user: shown.user.id }, token: shown.token };
}

const REFUSALS: Readonly<Record<Extract<Shown, { refused: unknown }>['refused'], string>> = {
  unknown:
    'the token is missing or wrong; pfs auth login keeps one, and that of an engine of one\'s own is in the file "token" of its PFS_HOME',
  expired:
    'the token has expired; make another with pfs auth create-token, or ask an admin for one',
  revoked:
    'the token was revoked; make another with pfs auth create-token, or ask an admin for one',
};

function bearerOf({ headers }: FastifyRequest): string {
  const [, token = ''] = /^Bearer (.*)$/.exec(headers.authorization ?? '') ?? [];
  return token;
}

/** Returns the password of the Basic scheme (RFC 7617), the only one that Git clients know; undefined in any other. */
function passwordOf({ headers }: FastifyRequest): string | undefined {
  const [, basic] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(headers.authorization ?? '') ?? [];
  const text = basic && Buffer.from(basic, 'base64').toString('utf8');
  return text?.slice(text.indexOf(':') + 1);
}
