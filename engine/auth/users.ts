// Users and robot accounts, and the roles they are given.

import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import type { IdMaker } from '../base/ids.ts';
import { type GrantRecord, grantKey, repoScope, type UserRecord } from '../journal/auth-records.ts';
import type { Journal } from '../journal/journal.ts';
import type { Operation } from '../journal/operations.ts';
import type { State } from '../journal/state.ts';
import type { Role } from '../journal/states.ts';
import { type Asker, ENGINE, LOCAL } from './asker.ts';
import { demand, demandAdmin, isInForce, shownScope } from './rights.ts';

/** What accounts are kept with. */
export interface AuthContext {
  readonly journal: Journal<State, Operation>;
  readonly clock: Clock;
  readonly ids: IdMaker;
}

/** Who asks for a change of accounts, and under which id a retry would come. */
export interface AuthRequest extends Asker {
  readonly id?: string;
}

const NAME = /^[a-z0-9][a-z0-9._@+-]{0,62}$/;
const RESERVED: readonly string[] = [LOCAL, ENGINE, 'pfs'];

/** Makes a user or robot account, without any right. Asked by an admin; rejects with `already_exists` or `invalid`. */
export async function createUser(
  context: AuthContext,
  user: { readonly name: string; readonly robot: boolean },
  request: AuthRequest,
): Promise<UserRecord> {
  const { name, robot } = user;
  if (!NAME.test(name) || RESERVED.includes(name)) {
    throw new EngineError(
      'invalid',
      `Cannot create user "${name}": names are 1 to 63 small letters, digits and . _ @ + -, begin with a letter or digit, and are none of ${RESERVED.join(', ')}`,
    );
  }
  return await write(context, request, (state) => {
    demandAdmin(state, request, `create user "${name}"`);
    const made: UserRecord = {
      name,
      id: context.ids.next(),
      robot,
      admin: false,
      created: context.clock.now(),
    };
    return { operations: [{ kind: 'user.put', user: made }], result: made };
  });
}

/** Deletes a user with all tokens and roles; what the user made stays. Asked by an admin; rejects with `not_found`. */
export function deleteUser(
  context: AuthContext,
  name: string,
  request: AuthRequest,
): Promise<null> {
  return write(context, request, (state) => {
    demandAdmin(state, request, `delete user "${name}"`);
    findUser(state, name);
    return { operations: [{ kind: 'user.deleted', user: name }], result: null };
  });
}

/** Makes a user an admin, or no longer one. Asked by an admin; rejects with `not_found`. */
export function setAdmin(
  context: AuthContext,
  user: { readonly name: string; readonly admin: boolean },
  request: AuthRequest,
): Promise<UserRecord> {
  return write(context, request, (state) => {
    demandAdmin(state, request, `say whether user "${user.name}" is an admin`);
    const changed = { ...findUser(state, user.name), admin: user.admin };
    return { operations: [{ kind: 'user.put', user: changed }], result: changed };
  });
}

/** Returns a user; `not_found` where there is none of that name. */
export function findUser(state: State, name: string): UserRecord {
  const user = state.users.get(name);
  if (user === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find user "${name}": there is none of that name; pfs auth list-users shows them`,
    );
  }
  return user;
}

/** Gives a user a role on a scope, in place of the one there. Asked by an owner of it; rejects with `not_found`. */
export function grantRole(
  context: AuthContext,
  wanted: { readonly user: string; readonly scope: string; readonly role: Role },
  request: AuthRequest,
): Promise<GrantRecord> {
  return write(context, request, (state) => {
    const { user, scope, role } = wanted;
    demand(state, request, { role: 'owner', scope });
    findUser(state, user);
    const grant: GrantRecord = { user, scope, repoId: repoIdOf(state, scope), role };
    return { operations: [{ kind: 'role.put', grant }], result: grant };
  });
}

/** Takes the role of a user on a scope back. Asked by an owner of it; rejects with `not_found` where there is none. */
export function revokeRole(
  context: AuthContext,
  wanted: { readonly user: string; readonly scope: string },
  request: AuthRequest,
): Promise<null> {
  return write(context, request, (state) => {
    const { user, scope } = wanted;
    demand(state, request, { role: 'owner', scope });
    findUser(state, user);
    const grant = state.grants.get(grantKey(user, scope));
    if (grant === undefined || !isInForce(state, grant)) {
      throw new EngineError(
        'not_found',
        `Cannot revoke the role of user "${user}" on ${shownScope(scope)}: the user has none there; pfs auth get-roles ${user} shows all`,
      );
    }
    return { operations: [{ kind: 'role.deleted', user, scope }], result: null };
  });
}

/** Returns the roles that are in force: those of a user, or on a scope, or all. */
export function listRoles(
  state: State,
  of: { readonly user?: string | undefined; readonly scope?: string | undefined },
): GrantRecord[] {
  const { user, scope } = of;
  const { grants } = state;
  const keys =
    scope !== undefined
      ? grants.keysBy('scope', scope)
      : user !== undefined
        ? grants.keysBy('user', user)
        : grants.keys();
  return [...keys]
    .flatMap((key) => grants.get(key) ?? [])
    .filter((grant) => isInForce(state, grant) && (user === undefined || grant.user === user));
}

/** What makes the user who makes a repo its owner. */
export function ownershipOf(
  asker: Asker,
  repo: { readonly key: string; readonly id: string },
): GrantRecord {
  return { user: asker.actor, scope: repoScope(repo.key), repoId: repo.id, role: 'owner' };
}

/** Decides a change of accounts and makes it. */
export function write<T>(
  context: AuthContext,
  request: AuthRequest,
  decide: (state: State) => { readonly operations: readonly Operation[]; readonly result: T },
): Promise<T> {
  const { actor, id } = request;
  return context.journal.transact(decide, id === undefined ? { actor } : { actor, requestId: id });
}

function repoIdOf(state: State, scope: string): string | null {
  const prefix = repoScope('');
  if (!scope.startsWith(prefix)) {
    return null;
  }
  const repo = state.repos.get(scope.slice(prefix.length));
  if (repo === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot give a role on ${shownScope(scope)}: there is no such repo; for those to come, give one on the project`,
    );
  }
  return repo.id;
}
