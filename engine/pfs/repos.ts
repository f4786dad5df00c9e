// Repos: making, describing, listing, deleting them.

import { EngineError } from '../base/errors.ts';
import { compose } from '../journal/compose.ts';
import type { RepoKey, RepoRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { resolveRepo } from './commit-lookup.ts';
import { type PfsContext, type Request, transactOptions } from './context.ts';
import { checkName, shortRepo, splitRepoKey } from './names.ts';

/** Makes a repo; `already_exists` when its name is taken. */
export async function createRepo(
  context: PfsContext,
  repo: { readonly key: RepoKey; readonly description: string },
  request: Request,
): Promise<RepoRecord> {
  const { project, name } = splitRepoKey(repo.key);
  checkName('project', project);
  checkName('repo', name);
  const record: RepoRecord = {
    key: repo.key,
    id: context.ids.next(),
    kind: 'user',
    description: repo.description,
    created: context.clock.now(),
  };
  return await context.journal.transact((state) => {
    if (state.repos.has(repo.key)) {
      throw new EngineError(
        'already_exists',
        `Cannot create repo "${shortRepo(repo.key)}": it already exists`,
      );
    }
    return { operations: [{ kind: 'repo.created', repo: record }], result: record };
  }, transactOptions(request));
}

/** Changes a repo's description. */
export async function describeRepo(
  context: PfsContext,
  repo: { readonly key: RepoKey; readonly description: string },
  request: Request,
): Promise<RepoRecord> {
  const { key, description } = repo;
  return await context.journal.transact(() => {
    const record = resolveRepo(context, key);
    return {
      operations: [{ kind: 'repo.described', repo: key, description }],
      result: { ...record, description },
    };
  }, transactOptions(request));
}

/**
 * Deletes a repo with its branches and commits. Rejects with `failed_precondition` while a pipeline writes it or, unless
 * forced, another branch has one of its branches as provenance. Forcing leaves those branches without that source.
 */
export async function deleteRepo(
  context: PfsContext,
  repo: { readonly key: RepoKey; readonly force: boolean },
  request: Request,
): Promise<void> {
  const { key, force } = repo;
  await context.journal.transact((state) => {
    const record = resolveRepo(context, key);
    if (record.kind !== 'user' || state.pipelines.has(key)) {
      const pipeline = shortRepo(key).replace(/\.(spec|meta)$/, '');
      throw new EngineError(
        'failed_precondition',
        `Cannot delete repo "${shortRepo(key)}": pipeline "${pipeline}" writes it; delete the pipeline instead`,
      );
    }
    const readers = readersOf(state, key);
    if (readers.length > 0 && !force) {
      throw new EngineError(
        'failed_precondition',
        `Cannot delete repo "${shortRepo(key)}": ${readers.map((r) => `"${r}"`).join(', ')} read it; delete those pipelines first, or use --force`,
      );
    }
    return compose(state, (draft) => {
      for (const branch of [...state.branches.values()]) {
        if (branch.provenance.some((source) => source.repo === key)) {
          const provenance = branch.provenance.filter((source) => source.repo !== key);
          draft.add({ kind: 'branch.put', branch: { ...branch, provenance } });
        }
      }
      draft.add({ kind: 'repo.deleted', repo: key });
      return null;
    });
  }, transactOptions(request));
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
