// What an operation that somebody asks for needs to be allowed. What the engine does because of it needs nothing more.

import { repoScope } from '../journal/auth-records.ts';
import type { Operation } from '../journal/operations.ts';
import { CLUSTER_SCOPE, commitKey, projectScope } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { Role } from '../journal/states.ts';
import { type Need, scopeOfRepo } from './rights.ts';

/** What only admins may: no role is ever on it. */
const CLUSTER: Need = { role: 'owner', scope: CLUSTER_SCOPE };

/** Returns what somebody must be allowed for an operation; undefined where the operation tells of no wish of theirs. */
export function needOf(state: State, operation: Operation): Need | undefined {
  const on = (repo: string, role: Role = 'writer'): Need => ({
    role,
    scope: scopeOfRepo(state, repo),
  });
  switch (operation.kind) {
    case 'repo.created': {
      const { key, kind } = operation.repo;
      return kind === 'user'
        ? { role: 'writer', scope: projectScope(key.slice(0, key.indexOf('/'))) }
        : on(key);
    }
    case 'repo.described':
      return on(operation.repo);
    case 'repo.retention':
    case 'repo.deleted':
      return on(operation.repo, 'owner');
    case 'branch.put':
      return on(operation.branch.repo);
    case 'branch.moved':
    case 'branch.deleted':
    case 'commit.edited':
    case 'commit.removed':
    case 'tag.deleted':
      return on(operation.repo);
    case 'commit.started':
      return operation.commit.origin === 'user' ? on(operation.commit.repo) : undefined;
    case 'commit.finished': {
      const commit = state.commits.get(commitKey(operation.repo, operation.commit));
      return commit?.origin === 'user' ? on(operation.repo) : undefined;
    }
    case 'tag.put':
      return on(operation.tag.repo);
    case 'project.put':
      return state.projects.has(operation.project.name)
        ? { role: 'owner', scope: projectScope(operation.project.name) }
        : CLUSTER;
    case 'project.deleted':
      return { role: 'owner', scope: projectScope(operation.project) };
    case 'defaults.put':
      return defaultsNeed(operation.defaults.scope);
    case 'defaults.deleted':
      return defaultsNeed(operation.scope);
    case 'pipeline.put':
      return { role: 'writer', scope: repoScope(operation.pipeline.key) };
    case 'pipeline.deleted':
      return { role: 'owner', scope: repoScope(operation.pipeline) };
    case 'secret.put':
    case 'secret.deleted':
      return CLUSTER;
    default:
      return undefined;
  }
}

function defaultsNeed(scope: string): Need {
  return scope === CLUSTER_SCOPE ? CLUSTER : { role: 'owner', scope };
}
