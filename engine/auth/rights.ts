// Who may do what: the roles that somebody has in a state. Pure; nothing else decides about rights.

import { EngineError } from '../base/errors.ts';
import { grantKey, repoScope, type UserRecord } from '../journal/auth-records.ts';
import { type PipelineKey, projectScope, type RepoKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { ROLES, type Role } from '../journal/states.ts';
import type { Asker } from './asker.ts';

/** Returns the record of the user who asks; undefined for whoever may do everything, and for a user who is gone. */
export function userOf(state: State, asker: Asker): UserRecord | undefined {
  const user = asker.user === undefined ? undefined : state.users.get(asker.actor);
  return user?.id === asker.user ? user : undefined;
}

/** Returns whether somebody may do everything. */
export function isAdmin(state: State, asker: Asker): boolean {
  return asker.user === undefined || userOf(state, asker)?.admin === true;
}

/** Returns the role that somebody has on a scope: that on it, or a greater one on its project; undefined for none. */
export function roleOn(state: State, asker: Asker, scope: string): Role | undefined {
  if (isAdmin(state, asker)) {
    return 'owner';
  }
  const user = userOf(state, asker);
  if (user === undefined) {
    return undefined;
  }
  const scopes = scopesAbove(state, scope);
  const roles = scopes.flatMap((one) => {
    const grant = state.grants.get(grantKey(user.name, one));
    return grant && isInForce(state, grant) ? [grant.role] : [];
  });
  return ROLES.findLast((role) => roles.includes(role));
}

/** Returns whether a role is on what it was given on, rather than on what had that name before. */
export function isInForce(
  state: State,
  grant: { readonly scope: string; readonly repoId: string | null },
): boolean {
  const repo = grant.repoId === null ? undefined : state.repos.get(grant.scope.slice(REPO.length));
  return grant.repoId === null || repo?.id === grant.repoId;
}

/** Returns whether somebody may do on a scope what `role` may. */
export function may(state: State, asker: Asker, needed: Need): boolean {
  const role = roleOn(state, asker, needed.scope);
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed.role);
}

/** What must be allowed. */
export interface Need {
  readonly role: Role;
  readonly scope: string;
}

/** Returns whether somebody may read a repo, or what of a pipeline's is in one. */
export function mayRead(state: State, asker: Asker, repo: RepoKey): boolean {
  // Admins ask of every row of long lists.
  return (
    isAdmin(state, asker) || may(state, asker, { role: 'reader', scope: scopeOfRepo(state, repo) })
  );
}

/**
 * Rejects with `permission_denied` what somebody may not do. Who may not even read a thing learns neither whether it
 * exists nor what is in it.
 */
export function demand(state: State, asker: Asker, needed: Need): void {
  if (may(state, asker, needed)) {
    return;
  }
  const { role, scope } = needed;
  const held = roleOn(state, asker, scope);
  const what = shownScope(scope);
  const why =
    held === undefined
      ? `it does not exist, or user ${asker.actor} has no role on it`
      : `user ${asker.actor} is ${held} of it`;
  throw new EngineError(
    'permission_denied',
    `Cannot use ${what} as its ${role}: ${why}; an owner of it or an admin may change that, with pfs auth grant`,
  );
}

/** Rejects with `permission_denied` who is no admin. `what` follows "Cannot". */
export function demandAdmin(state: State, asker: Asker, what: string): void {
  if (!isAdmin(state, asker)) {
    throw new EngineError(
      'permission_denied',
      `Cannot ${what}: user ${asker.actor} is no admin; ask one`,
    );
  }
}

/**
 * Returns the scope that decides about a repo: those of a pipeline's specs, results, ticks and commits of Git servers go with
 * its output.
 */
export function scopeOfRepo(state: State, repo: RepoKey): string {
  if (state.repos.get(repo)?.kind !== 'user') {
    return repoScope(repo.replace(/\.(?:spec|meta)$/, ''));
  }
  return repoScope(fillerOf(state, repo) ?? repo);
}

/** Returns the pipeline that fills a repo with its ticks or with commits of a Git server, or undefined. */
export function fillerOf(state: State, repo: RepoKey): PipelineKey | undefined {
  const [key] = state.pipelines.keysBy('fills', repo);
  return key;
}

/** Returns a scope as messages name it. */
export function shownScope(scope: string): string {
  const slash = scope.indexOf('/');
  const name = scope.slice(slash + 1).replace(/^default\/(?=.)/, '');
  return `${scope.slice(0, slash)} "${name}"`;
}

const REPO = repoScope('');

function scopesAbove(state: State, scope: string): readonly string[] {
  if (!scope.startsWith(REPO)) {
    return [scope];
  }
  const repo = scope.slice(REPO.length);
  const own = scopeOfRepo(state, repo);
  return [own, projectScope(repo.slice(0, repo.indexOf('/')))];
}
