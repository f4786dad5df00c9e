// Folding in what is deleted but can be had back for a while. Whether a finished commit is in a table or in history
// already differs between engines: nothing here depends on it.

import { EngineError } from '../base/errors.ts';
import { forgetGrants } from './auth-fold.ts';
import { repoScope } from './auth-records.ts';
import { commitHistoryKey, setHistoryKey } from './history-keys.ts';
import type { Operation } from './operations.ts';
import {
  type BranchRecord,
  branchKey,
  buriedKey,
  type CommitRecord,
  commitKey,
  type RepoRecord,
  type TrashRecord,
  tagKey,
  trashKey,
} from './records.ts';
import type { State } from './state.ts';

type TrashOperation = Extract<Operation, { kind: `${string}.undeleted` | 'trash.emptied' }>;

/** The entry that deletes something. */
export interface TrashEntry {
  readonly seq: number;
  readonly time: number;
}

/** Returns what the trash keeps of the entry. */
export function trashedIn({ seq, time }: TrashEntry): { removed: number; time: number } {
  return { removed: seq, time };
}

/** Folds what leaves the trash into `state`; rejects as `apply` does. */
export function foldTrash(state: State, operation: TrashOperation): void {
  switch (operation.kind) {
    case 'repo.undeleted':
      undeleteRepo(state, operation.repoId);
      return;
    case 'branch.undeleted': {
      const repo = liveRepo(state, operation.repo);
      const key = trashKey({ kind: 'branch', repoId: repo.id, branch: operation.branch });
      const { branch } = take(state, key, 'branch');
      refuseTaken(state.branches.has(branchKey(repo.key, branch.name)), 'branch', branch.name);
      state.branches.set(branchKey(repo.key, branch.name), { ...branch, provenance: [] });
      return;
    }
    case 'commit.undeleted': {
      const repo = liveRepo(state, operation.repo);
      const key = trashKey({ kind: 'commit', repoId: repo.id, commit: operation.commit });
      const { commit } = take(state, key, 'commit');
      const { merged: _merged, ...rest } = commit;
      state.forgotten.delete(commitHistoryKey(repo.id, commit.id));
      state.forgotten.delete(setHistoryKey(commit.id, repo.id));
      state.commits.set(commitKey(repo.key, commit.id), { ...rest, parent: operation.parent });
      state.repos.set(repo.key, { ...repo, reshaped: (repo.reshaped ?? 0) + 1 });
      return;
    }
    case 'trash.emptied':
      for (const key of operation.keys) {
        const record = state.trash.get(key);
        state.trash.delete(key);
        if (record?.kind === 'repo') {
          forgetRepo(state, record.repo);
        }
      }
  }
}

/**
 * Deletes a repo with its branches, tags and commits. A user's goes to the trash; commits in history stay there, since
 * their keys hold the repo's id, which is never used again.
 */
export function deleteRepo(state: State, repo: RepoRecord, entry: TrashEntry): void {
  const isKept = repo.kind === 'user';
  // While the commits are still there.
  const branches = takeAll(state.branches, repo.key).map((branch) => settledBranch(state, branch));
  const tags = takeAll(state.tags, repo.key);
  const commits = takeAll(state.commits, repo.key);
  state.repos.delete(repo.key);
  if (!isKept) {
    forgetRepo(state, repo);
    return;
  }
  for (const commit of commits) {
    if (!isMadeByJob(commit)) {
      state.buried.set(buriedKey(repo.id, commit.id), commit);
    }
  }
  for (const [key] of [...state.trash.entries()]) {
    // What had been deleted of the repo before can't be had back by itself any more.
    if (key.includes(`/${repo.id}/`)) {
      state.trash.delete(key);
    }
  }
  const key = trashKey({ kind: 'repo', repoId: repo.id });
  state.trash.set(key, { kind: 'repo', repo, branches, tags, ...trashedIn(entry) });
}

/** Keeps a deleted branch, and a removed commit, for those who want them back. */
export function keepInTrash(state: State, record: Exclude<TrashRecord, { kind: 'repo' }>): void {
  const { repoId } = record;
  const key =
    record.kind === 'branch'
      ? trashKey({ kind: 'branch', repoId, branch: record.branch.name })
      : trashKey({ kind: 'commit', repoId, commit: record.commit.id });
  state.trash.set(key, record);
}

function undeleteRepo(state: State, repoId: string): void {
  const { repo, branches, tags } = take(state, trashKey({ kind: 'repo', repoId }), 'repo');
  refuseTaken(state.repos.has(repo.key), 'repo', repo.key);
  state.repos.set(repo.key, { ...repo, reshaped: (repo.reshaped ?? 0) + 1 });
  for (const branch of branches) {
    state.branches.set(branchKey(repo.key, branch.name), { ...branch, provenance: [] });
  }
  for (const tag of tags) {
    state.tags.set(tagKey(repo.key, tag.name), tag);
  }
  for (const [key, commit] of [...state.buried.prefix(buriedKey(repoId, ''))]) {
    state.buried.delete(key);
    state.commits.set(commitKey(repo.key, commit.id), commit);
  }
}

function forgetRepo(state: State, { id: repoId, key: name }: RepoRecord): void {
  // Until then they hold nothing open, and come back with the repo.
  forgetGrants(state, repoScope(name), repoId);
  for (const [key] of [...state.buried.prefix(buriedKey(repoId, ''))]) {
    state.buried.delete(key);
  }
  for (const pack of [...state.packs.values()]) {
    if (pack.repos.includes(repoId)) {
      state.packs.set(pack.id, { ...pack, repos: pack.repos.filter((id) => id !== repoId) });
    }
  }
}

/** A job's commit that had not finished never will: its branch is where it was before. */
function settledBranch(state: State, branch: BranchRecord): BranchRecord {
  let { head } = branch;
  for (let commit = head ? state.commits.get(commitKey(branch.repo, head)) : undefined; commit; ) {
    if (!isMadeByJob(commit)) {
      break;
    }
    head = commit.parent;
    commit = head ? state.commits.get(commitKey(branch.repo, head)) : undefined;
  }
  return { ...branch, head };
}

function isMadeByJob(commit: CommitRecord): boolean {
  return commit.finished === null && commit.origin === 'auto';
}

function takeAll<V>(
  table: {
    keysBy(index: string, key: string): ReadonlySet<string>;
    get(key: string): V | undefined;
    delete(key: string): boolean;
  },
  repo: string,
): V[] {
  const records: V[] = [];
  for (const key of [...table.keysBy('repo', repo)]) {
    const record = table.get(key);
    table.delete(key);
    if (record !== undefined) {
      records.push(record);
    }
  }
  return records;
}

function take<K extends TrashRecord['kind']>(
  state: State,
  key: string,
  kind: K,
): Extract<TrashRecord, { kind: K }> {
  const record = state.trash.get(key);
  if (record?.kind !== kind) {
    throw new EngineError('not_found', `Cannot undelete ${kind}: it is not in the trash any more`);
  }
  state.trash.delete(key);
  return record as Extract<TrashRecord, { kind: K }>;
}

function liveRepo(state: State, key: string): RepoRecord {
  const repo = state.repos.get(key);
  if (repo === undefined) {
    throw new EngineError('not_found', `Cannot find repo "${key}": it does not exist`);
  }
  return repo;
}

function refuseTaken(isTaken: boolean, kind: string, name: string): void {
  if (isTaken) {
    throw new EngineError(
      'already_exists',
      `Cannot undelete ${kind} "${name}": there is another one of that name; delete that first`,
    );
  }
}
