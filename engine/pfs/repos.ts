// Repos: making, describing, listing, deleting them.

import { fillerOf } from '../auth/rights.ts';
import { EngineError } from '../base/errors.ts';
import type { RepoKey, RepoRecord, RetentionRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { type Change, makeChange } from './change.ts';
import { resolveRepo } from './commit-lookup.ts';
import type { PfsContext, Request } from './context.ts';
import { checkName, shortRepo, splitRepoKey } from './names.ts';

interface RepoDescription {
  readonly key: RepoKey;
  readonly description: string;
}

/** Makes a repo; `already_exists` when its name is taken. */
export function createRepo(
  context: PfsContext,
  repo: RepoDescription,
  request: Request,
): Promise<RepoRecord> {
  return makeChange(context, request, (change) => createRepoIn(change, repo));
}

/** As {@link createRepo}, within a change. */
export function createRepoIn(change: Change, repo: RepoDescription): RepoRecord {
  const { project, name } = splitRepoKey(repo.key);
  checkName('project', project);
  checkName('repo', name);
  if (change.state.repos.has(repo.key)) {
    throw new EngineError(
      'already_exists',
      `Cannot create repo "${shortRepo(repo.key)}": it already exists`,
    );
  }
  const record: RepoRecord = {
    key: repo.key,
    id: change.context.ids.next(),
    kind: 'user',
    description: repo.description,
    created: change.time,
  };
  change.add({ kind: 'repo.created', repo: record });
  return record;
}

/** Changes a repo's description. */
export function describeRepo(
  context: PfsContext,
  repo: RepoDescription,
  request: Request,
): Promise<RepoRecord> {
  return makeChange(context, request, (change) => describeRepoIn(change, repo));
}

/** As {@link describeRepo}, within a change. */
export function describeRepoIn(change: Change, repo: RepoDescription): RepoRecord {
  const { key, description } = repo;
  const record = resolveRepo(change.context, key);
  change.add({ kind: 'repo.described', repo: key, description });
  return { ...record, description };
}

/** Says which commits of a repo stay: those that a collection finds beyond that go to the trash. Null: all stay. */
export function keepCommits(
  context: PfsContext,
  setting: { readonly key: RepoKey; readonly keep: RetentionRecord | null },
  request: Request,
): Promise<RepoRecord> {
  return makeChange(context, request, (change) => {
    const { key, keep } = setting;
    const { kind } = resolveRepo(change.context, key);
    if (kind !== 'user') {
      throw new EngineError(
        'failed_precondition',
        `Cannot say which commits of repo "${shortRepo(key)}" stay: it is a pipeline's own, and goes with the pipeline's output`,
      );
    }
    change.add({ kind: 'repo.retention', repo: key, keep });
    return change.state.repos.get(key) ?? resolveRepo(change.context, key);
  });
}

/**
 * Deletes a repo with its branches and commits. Rejects with `failed_precondition` while a pipeline writes it or, unless
 * forced, another branch has one of its branches as provenance. Forcing leaves those branches without that source.
 */
export function deleteRepo(
  context: PfsContext,
  repo: { readonly key: RepoKey; readonly force: boolean },
  request: Request,
): Promise<null> {
  return makeChange(context, request, (change) => deleteRepoIn(change, repo));
}

/** As {@link deleteRepo}, within a change. */
export function deleteRepoIn(
  change: Change,
  repo: { readonly key: RepoKey; readonly force: boolean },
): null {
  const { key, force } = repo;
  const { state } = change;
  const record = resolveRepo(change.context, key);
  const owner = fillerOf(state, key);
  if (record.kind !== 'user' || state.pipelines.has(key) || owner !== undefined) {
    const pipeline = shortRepo(owner ?? key).replace(/\.(spec|meta)$/, '');
    throw new EngineError(
      'failed_precondition',
      `Cannot delete repo "${shortRepo(key)}": pipeline "${pipeline}" writes it; delete the pipeline instead`,
    );
  }
  const readers = readersOf(state, key);
  if (readers.length > 0 && !force) {
    throw new EngineError(
      'failed_precondition',
      `Cannot delete repo "${shortRepo(key)}": it is read by ${readers.map((r) => `"${r}"`).join(', ')}; delete what reads it first, or use --force`,
    );
  }
  for (const branch of [...state.branches.values()]) {
    if (branch.provenance.some((source) => source.repo === key)) {
      const provenance = branch.provenance.filter((source) => source.repo !== key);
      change.add({ kind: 'branch.put', branch: { ...branch, provenance } });
    }
  }
  change.add({ kind: 'repo.deleted', repo: key });
  return null;
}

/** Returns the names of user repos with a branch that has a branch of `key` as provenance. */
export function readersOf(state: State, key: RepoKey): string[] {
  const readers = new Set<string>();
  for (const branch of state.branches.values()) {
    const repo = branch.repo.replace(/\.meta$/, '');
    if (repo !== key && branch.provenance.some((source) => source.repo === key)) {
      readers.add(shortRepo(repo));
    }
  }
  return [...readers];
}
