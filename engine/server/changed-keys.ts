// What a journal entry changed of what users see, by keys. Packs and upkeep, which nobody sees, are left out.

import type { Entry } from '../journal/definition.ts';
import type { Operation } from '../journal/operations.ts';
import { branchKey, commitKey, jobKey, tagKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { ChangeKind } from './wire-events.ts';

/** Keys by their kind; of commits, `project/repo@id`. */
export type ChangedKeys = ReadonlyMap<ChangeKind, ReadonlySet<string>>;

/** Adds a key of some kind to what changed. */
type Note = (kind: ChangeKind, key: string) => void;

/**
 * Returns what an entry changed; an empty map for nothing that users see. The state, after the entry or later, tells which branch a commit
 * is on, where it still knows.
 */
export function changedKeys(entry: Entry, state: State): ChangedKeys {
  const keys = new Map<ChangeKind, Set<string>>();
  const note: Note = (kind, key) => {
    const known = keys.get(kind);
    if (known) {
      known.add(key);
    } else {
      keys.set(kind, new Set([key]));
    }
  };
  for (const { operations } of entry.transactions) {
    for (const operation of operations as readonly Operation[]) {
      noteOperation(operation, { note, state });
    }
  }
  return keys;
}

function noteOperation(
  operation: Operation,
  { note, state }: { readonly note: Note; readonly state: State },
): void {
  const branch = (repo: string, name: string) => {
    note('repos', repo);
    note('branches', branchKey(repo, name));
  };
  const tag = (repo: string, name: string) => {
    note('repos', repo);
    note('tags', tagKey(repo, name));
  };
  const commit = (
    repo: string,
    id: string,
    on = state.commits.get(commitKey(repo, id))?.branch,
  ) => {
    note('repos', repo);
    note('commits', commitKey(repo, id));
    if (on !== undefined) {
      branch(repo, on);
    }
  };
  const job = (pipeline: string, id: string) => {
    note('pipelines', pipeline);
    note('jobs', jobKey(pipeline, id));
  };
  switch (operation.kind) {
    case 'repo.created':
      note('repos', operation.repo.key);
      return;
    case 'repo.described':
    case 'repo.retention':
    case 'repo.deleted':
      note('repos', operation.repo);
      return;
    case 'repo.undeleted':
      for (const { id, key } of state.repos.values()) {
        if (id === operation.repoId) {
          note('repos', key);
        }
      }
      return;
    case 'branch.put':
      branch(operation.branch.repo, operation.branch.name);
      return;
    case 'branch.moved':
    case 'branch.deleted':
    case 'branch.undeleted':
      branch(operation.repo, operation.branch);
      return;
    case 'commit.started':
    case 'commit.recalled':
    case 'commit.rewritten':
      commit(operation.commit.repo, operation.commit.id, operation.commit.branch);
      return;
    case 'commit.edited':
    case 'commit.finished':
    case 'commit.removed':
    case 'commit.undeleted':
      commit(operation.repo, operation.commit);
      return;
    case 'tag.put':
      tag(operation.tag.repo, operation.tag.name);
      return;
    case 'tag.deleted':
      tag(operation.repo, operation.tag);
      return;
    case 'project.put':
      note('projects', operation.project.name);
      return;
    case 'project.deleted':
      note('projects', operation.project);
      return;
    case 'defaults.put':
      note('defaults', operation.defaults.scope);
      return;
    case 'defaults.deleted':
      note('defaults', operation.scope);
      return;
    case 'pipeline.put':
      note('pipelines', operation.pipeline.key);
      return;
    case 'pipeline.state':
    case 'pipeline.pinned':
    case 'pipeline.ticked':
    case 'pipeline.hosted':
    case 'pipeline.pulled':
    case 'pipeline.deleted':
      note('pipelines', operation.pipeline);
      return;
    case 'job.created':
      job(operation.job.pipeline, operation.job.id);
      return;
    case 'job.claimed':
    case 'job.progressed':
    case 'job.finished':
    case 'job.removed':
      job(operation.pipeline, operation.job);
      return;
    case 'secret.put':
      note('secrets', operation.secret.name);
      return;
    case 'secret.deleted':
      note('secrets', operation.secret);
      return;
    case 'transaction.started':
      note('transactions', operation.transaction.id);
      return;
    case 'transaction.appended':
    case 'transaction.ended':
      note('transactions', operation.transaction);
      return;
    case 'trash.emptied':
    case 'packs.added':
    case 'packs.compacted':
    case 'packs.collected':
    case 'packs.restored':
    case 'packs.deleted':
    case 'packs.horizon':
    case 'history.collected':
    case 'format.raised':
    case 'upkeep.claimed':
    case 'upkeep.finished':
    case 'egress.noted':
    case 'user.put':
    case 'user.deleted':
    case 'token.put':
    case 'token.revoked':
    case 'role.put':
    case 'role.deleted':
      return;
    default:
      // The journal has folded it in, so it knows the kind; a new one has its place above.
      operation satisfies never;
  }
}
