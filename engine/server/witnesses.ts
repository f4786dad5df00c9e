// Who could read what an entry deletes: they hear that it is gone, though they may read it no more.

import { scopeOfRepo } from '../auth/rights.ts';
import { listRoles } from '../auth/users.ts';
import { repoScope, secretScope } from '../journal/auth-records.ts';
import type { Entry } from '../journal/definition.ts';
import type { Operation } from '../journal/operations.ts';
import { projectScope, type RepoKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { ChangeKind } from './wire-events.ts';

/** The ids of users by what is deleted, named as {@link witnessedName} does. */
export type Witnesses = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns how a key that changed names what may have been deleted; undefined for what is only part of such a thing. */
export function witnessedName(kind: ChangeKind, key: string): string | undefined {
  switch (kind) {
    case 'projects':
      return projectScope(key);
    case 'secrets':
      return secretScope(key);
    case 'defaults':
      return key;
    case 'transactions':
      return `transaction/${key}`;
    case 'repos':
    case 'pipelines':
      return repoScope(key);
    default:
      return undefined;
  }
}

/** Returns who could read what an entry deletes, from the state before it. */
export function witnessesOf(entry: Entry, state: State): Witnesses {
  const found = new Map<string, ReadonlySet<string>>();
  for (const { operations } of entry.transactions) {
    for (const operation of operations as readonly Operation[]) {
      const deleted = deletedBy(operation, state);
      if (deleted) {
        found.set(deleted.name, new Set(deleted.users));
      }
    }
  }
  return found;
}

function deletedBy(
  operation: Operation,
  state: State,
): { readonly name: string; readonly users: readonly string[] } | undefined {
  switch (operation.kind) {
    case 'repo.deleted':
      return { name: repoScope(operation.repo), users: readersOf(state, operation.repo) };
    case 'pipeline.deleted':
      return { name: repoScope(operation.pipeline), users: readersOf(state, operation.pipeline) };
    case 'project.deleted':
    case 'defaults.deleted': {
      const name =
        operation.kind === 'project.deleted' ? projectScope(operation.project) : operation.scope;
      return { name, users: usersOn(state, name) };
    }
    case 'secret.deleted': {
      const name = secretScope(operation.secret);
      return { name, users: usersOn(state, name) };
    }
    case 'transaction.ended': {
      const { user } = state.transactions.get(operation.transaction) ?? {};
      return { name: `transaction/${operation.transaction}`, users: user ? [user] : [] };
    }
    default:
      return undefined;
  }
}

function readersOf(state: State, repo: RepoKey): string[] {
  const project = projectScope(repo.slice(0, repo.indexOf('/')));
  return [scopeOfRepo(state, repo), project].flatMap((scope) => usersOn(state, scope));
}

/** Every role lets its user read. */
function usersOn(state: State, scope: string): string[] {
  return listRoles(state, { scope }).flatMap(({ user }) => state.users.get(user)?.id ?? []);
}
