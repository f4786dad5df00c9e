// Who sends a request, and what it was found to need. Tokens are looked up for each request, and whoever holds a connection
// open loses it with the right to.

import type { FastifyRequest } from 'fastify';
import { type Asker, LOCAL } from '../auth/asker.ts';
import { demand, isAdmin, may, mayRead, type Need, scopeOfRepo } from '../auth/rights.ts';
import { isGood } from '../auth/tokens.ts';
import { EngineError } from '../base/errors.ts';
import type { TokenRecord } from '../journal/auth-records.ts';
import type { RepoKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { Role } from '../journal/states.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { RepoName } from './wire.ts';

/** Somebody who was recognized. */
export interface Identity {
  readonly asker: Asker;
  /** With which token; null: that of the engine's home. */
  readonly token: TokenRecord | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where nobody needs to be known. */
    identity: Identity | null;
    /** All that was demanded for it, to be demanded again when rights change. */
    needs: Need[];
  }
}

/** Returns who holds the token of the engine's home. */
export function localIdentity(): Identity {
  return { asker: { actor: LOCAL }, token: null };
}

/** Returns on whose behalf a request is carried out. */
export function askerOf(request: FastifyRequest): Asker {
  if (request.identity === null) {
    throw new EngineError('unauthenticated', 'Cannot answer: the request names nobody');
  }
  return request.identity.asker;
}

/** Rejects with `permission_denied` what the sender of a request may not do, now and as long as it lasts. */
export function demandFor(request: FastifyRequest, state: State, need: Need): void {
  demand(state, askerOf(request), need);
  request.needs.push(need);
}

/** As {@link demandFor}, of a repo, which may be one of a pipeline's own. */
export function demandRepo(
  request: FastifyRequest,
  state: State,
  wanted: { readonly repo: RepoKey; readonly role: Role },
): void {
  demandFor(request, state, { role: wanted.role, scope: scopeOfRepo(state, wanted.repo) });
}

/** Returns the way to tell which repos the sender of a request may read. */
export function readableBy(request: FastifyRequest, state: State): (repo: RepoKey) => boolean {
  const asker = askerOf(request);
  return (repo) => mayRead(state, asker, repo);
}

/** What was found for a request at an entry of the journal: rows of long lists name the same repos again and again. */
const found = new WeakMap<FastifyRequest, { seq: number; known: Map<string, boolean> }>();

/** As {@link readableBy}, of repos as they travel, and as things are now. */
export function readableNames(
  request: FastifyRequest,
  { state, seq }: Pick<PfsContext['journal'], 'state' | 'seq'>,
): (repo: RepoName) => boolean {
  const mayRead = readableBy(request, state);
  const before = found.get(request);
  const known = before?.seq === seq ? before.known : new Map<string, boolean>();
  if (known !== before?.known) {
    found.set(request, { seq, known });
  }
  return ({ project, name }) => {
    const key = `${project}/${name}`;
    const answer = known.get(key) ?? mayRead(key);
    known.set(key, answer);
    return answer;
  };
}

/** Returns whether the sender of a request may do everything. */
export function isAskedByAdmin(request: FastifyRequest, state: State): boolean {
  return isAdmin(state, askerOf(request));
}

/** Returns whether a request that was allowed would be so now. */
export function isStillAllowed(request: FastifyRequest, state: State, now: number): boolean {
  const { identity, needs } = request;
  if (identity === null || identity.token === null) {
    return true;
  }
  return (
    isGood(state, identity.token, now) && needs.every((need) => may(state, identity.asker, need))
  );
}
