// The fold of what concerns users, their tokens and their rights.

import { EngineError } from '../base/errors.ts';
import { grantKey, type TokenRecord } from './auth-records.ts';
import type { Operation } from './operations.ts';
import type { State } from './state.ts';

type AuthKind =
  | 'user.put'
  | 'user.deleted'
  | 'token.put'
  | 'token.revoked'
  | 'role.put'
  | 'role.deleted';
type AuthOperation = Extract<Operation, { kind: AuthKind }>;

/** How long a token that expired or was revoked is still listed. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Folds an operation; rejects what concerns a user who is gone, or another of that name, with `conflict`. */
export function foldAuth(state: State, operation: AuthOperation): void {
  switch (operation.kind) {
    case 'user.put': {
      const { user } = operation;
      const known = state.users.get(user.name);
      if (known && known.id !== user.id) {
        throw new EngineError(
          'already_exists',
          `Cannot create user "${user.name}": there is one of that name already`,
        );
      }
      state.users.set(user.name, user);
      return;
    }
    case 'user.deleted':
      state.users.delete(operation.user);
      for (const key of [...state.tokens.keysBy('user', operation.user)]) {
        state.tokens.delete(key);
      }
      for (const key of [...state.grants.keysBy('user', operation.user)]) {
        state.grants.delete(key);
      }
      return;
    case 'token.put': {
      const { token } = operation;
      demandUser(state, token.user);
      for (const key of [...state.tokens.keysBy('user', token.user)]) {
        if (endOf(state.tokens.get(key)) < token.created - KEPT_MS) {
          state.tokens.delete(key);
        }
      }
      state.tokens.set(token.id, token);
      return;
    }
    case 'token.revoked': {
      const token = state.tokens.get(operation.token);
      if (token && token.revoked === null) {
        // Nobody needs what opens nothing any more.
        state.tokens.set(token.id, { ...token, revoked: operation.time, sealed: null });
      }
      return;
    }
    case 'role.put': {
      const { grant } = operation;
      demandUser(state, grant.user);
      state.grants.set(grantKey(grant.user, grant.scope), grant);
      return;
    }
    case 'role.deleted':
      state.grants.delete(grantKey(operation.user, operation.scope));
      return;
  }
}

/** Takes back every role on what is no more; of a repo, those on the one of that id. */
export function forgetGrants(state: State, scope: string, repoId: string | null = null): void {
  for (const key of [...state.grants.keysBy('scope', scope)]) {
    if (state.grants.get(key)?.repoId === repoId) {
      state.grants.delete(key);
    }
  }
}

function endOf(token: TokenRecord | undefined): number {
  return token?.revoked ?? token?.expires ?? Number.POSITIVE_INFINITY;
}

function demandUser(state: State, name: string): void {
  if (!state.users.has(name)) {
    throw new EngineError(
      'conflict',
      `Cannot change the rights of user "${name}": the user was deleted meanwhile`,
    );
  }
}
