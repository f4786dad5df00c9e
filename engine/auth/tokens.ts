// Tokens: made at random, shown once, kept as a hash. Also the key pairs of S3, whose secret must be had again and is sealed.

import { createHash } from 'node:crypto';
import { EngineError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { TokenRecord, UserRecord } from '../journal/auth-records.ts';
import type { SealedRecord } from '../journal/secret-records.ts';
import type { State } from '../journal/state.ts';
import type { Asker } from './asker.ts';
import { isAdmin, userOf } from './rights.ts';
import { type AuthContext, type AuthRequest, findUser, write } from './users.ts';

/** Begins every token, so that people and programs see what it is. */
export const TOKEN_PREFIX = 'pfs_';
const TOKEN_BYTES = 32;
const MAX_NAME = 100;

/** Encrypts the secrets of keys for S3. */
export interface Sealer {
  seal(plain: Buffer, boundTo: string): SealedRecord;
  /** Rejects with `failed_precondition` where this home does not have the key. */
  open(sealed: SealedRecord, boundTo: string): Buffer;
}

export interface NewToken {
  readonly user: string;
  readonly name: string;
  /** In how many milliseconds it expires; undefined: never. */
  readonly lifetimeMs?: number | undefined;
  /** The end of the token that asks for it, which it may not outlive. */
  readonly notAfter?: number | null;
  /** Seals the secret of a key for S3; without, it is a token. */
  readonly sealer?: Sealer;
}

/**
 * Makes a token and resolves with it: it can't be had again. A retry of the request makes another. Asked by the user or an
 * admin; rejects with `not_found`.
 */
export async function createToken(
  context: AuthContext,
  wanted: NewToken,
  options: { readonly random: Random; readonly request: AuthRequest },
): Promise<{ readonly token: TokenRecord; readonly secret: string }> {
  const { sealer, notAfter = null } = wanted;
  const name = wanted.name.trim();
  if (name.length > MAX_NAME || /\p{Cc}/u.test(name)) {
    throw new EngineError(
      'invalid',
      `Cannot create a token: its name must be up to ${MAX_NAME} letters of one line`,
    );
  }
  const text = options.random.bytes(TOKEN_BYTES).toString('base64url');
  const secret = sealer ? text : TOKEN_PREFIX + text;
  const id = context.ids.next();
  const created = context.clock.now();
  const asked = wanted.lifetimeMs === undefined ? null : created + wanted.lifetimeMs;
  const ends = [asked, notAfter].flatMap((end) => end ?? []);
  const token: TokenRecord = {
    id,
    user: wanted.user,
    name,
    created,
    expires: ends.length > 0 ? Math.min(...ends) : null,
    revoked: null,
    hash: sealer ? null : hashOf(secret),
    sealed: sealer ? sealer.seal(Buffer.from(secret), boundTo(id)) : null,
  };
  // The answer is not kept for a retry: it must not be in the journal.
  const { id: _retried, ...request } = options.request;
  await write(context, request, (state) => {
    demandOwn(state, request, { name: wanted.user, doing: 'make a token for' });
    findUser(state, wanted.user);
    return { operations: [{ kind: 'token.put', token }], result: null };
  });
  return { token, secret };
}

/** Rejects with `permission_denied` who is neither an admin nor that very user. */
export function demandOwn(
  state: State,
  asker: Asker,
  { name, doing }: { readonly name: string; readonly doing: string },
): void {
  if (!isAdmin(state, asker) && userOf(state, asker)?.name !== name) {
    throw new EngineError(
      'permission_denied',
      `Cannot ${doing} user "${name}": only admins may do so for others, and ${asker.actor} is none`,
    );
  }
}

/** Revokes a token for good. Rejects with `not_found` where the asker is neither its user nor an admin, too. */
export function revokeToken(
  context: AuthContext,
  id: string,
  request: AuthRequest,
): Promise<TokenRecord> {
  return write(context, request, (state) => {
    const token = state.tokens.get(id);
    const isOwn = token !== undefined && userOf(state, request)?.name === token.user;
    if (token === undefined || !(isOwn || isAdmin(state, request))) {
      throw new EngineError(
        'not_found',
        `Cannot revoke token "${id}": there is none of that id; pfs auth list-tokens shows them`,
      );
    }
    const time = context.clock.now();
    return {
      operations:
        token.revoked === null ? [{ kind: 'token.revoked' as const, token: token.id, time }] : [],
      result: { ...token, revoked: token.revoked ?? time },
    };
  });
}

/** What became of a token that somebody shows. */
export type Shown =
  | { readonly user: UserRecord; readonly token: TokenRecord }
  | { readonly refused: 'unknown' | 'expired' | 'revoked' };

/** Looks a token up. */
export function findToken(state: State, secret: string, now: number): Shown {
  const [id = ''] = secret === '' ? [] : state.tokens.keysBy('hash', hashOf(secret));
  return standing(state, id, now);
}

/** Looks a key for S3 up by its access key. */
export function findKey(state: State, accessKey: string, now: number): Shown {
  const isKey = (state.tokens.get(accessKey)?.hash ?? '') === '';
  return isKey ? standing(state, accessKey, now) : { refused: 'unknown' };
}

/** Returns the secret of a key for S3. */
export function secretOfKey(token: TokenRecord, sealer: Sealer): string | undefined {
  return token.sealed ? sealer.open(token.sealed, boundTo(token.id)).toString() : undefined;
}

/** Returns whether a token that was good is so now: not revoked, not expired, and its user there. */
export function isGood(state: State, token: TokenRecord, now: number): boolean {
  return 'user' in standing(state, token.id, now);
}

function standing(state: State, id: string, now: number): Shown {
  const token = state.tokens.get(id);
  const user = token && state.users.get(token.user);
  if (token === undefined || user === undefined) {
    return { refused: 'unknown' };
  }
  if (token.revoked !== null) {
    return { refused: 'revoked' };
  }
  return token.expires !== null && token.expires <= now ? { refused: 'expired' } : { user, token };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function boundTo(id: string): string {
  return JSON.stringify(['pfs s3 key', id]);
}
