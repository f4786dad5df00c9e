// Bringing back what was deleted, for as long as it is in the trash: until then all its bytes are there.

import { EngineError } from '../base/errors.ts';
import type { Operation } from '../journal/operations.ts';
import {
  type BranchRecord,
  type CommitRecord,
  type RepoKey,
  type RepoRecord,
  type TrashRecord,
  trashKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { findCommit, resolveRepo } from './commit-lookup.ts';
import { type PfsContext, type Request, transactOptions } from './context.ts';
import { shortRepo } from './names.ts';
import { demandSameHistory, historyOf, untilSettled } from './settled.ts';

/**
 * Brings a deleted repo back with its branches, tags and commits. Its branches are no pipeline's outputs any more, and
 * nothing reads them. Rejects with `not_found` when none of that name is in the trash, with `already_exists` when there is
 * a repo of that name.
 */
export async function undeleteRepo(
  context: PfsContext,
  key: RepoKey,
  request: Request,
): Promise<RepoRecord> {
  return await context.journal.transact((state) => {
    const name = shortRepo(key);
    if (state.repos.has(key)) {
      throw new EngineError(
        'already_exists',
        `Cannot undelete repo "${name}": there is a repo of that name; delete it first, and find both in the trash`,
      );
    }
    const record = newest(state, 'repo', ({ repo }) => repo.key === key);
    if (record === undefined) {
      throw notInTrash('repo', name);
    }
    const { repo } = record;
    const operation: Operation = { kind: 'repo.undeleted', repoId: repo.id };
    return { operations: [operation], result: repo };
  }, transactOptions(request));
}

/** Brings a deleted branch back, with the head it had. Rejects as {@link undeleteRepo} does. */
export async function undeleteBranch(
  context: PfsContext,
  { repo, branch }: { readonly repo: RepoKey; readonly branch: string },
  request: Request,
): Promise<BranchRecord> {
  return await untilSettled(async () => {
    const { id: repoId } = resolveRepo(context, repo);
    const key = trashKey({ kind: 'branch', repoId, branch });
    const history = historyOf(context.journal.state, repo);
    const record = context.journal.state.trash.get(key);
    const name = `${shortRepo(repo)}@${branch}`;
    if (record?.kind !== 'branch') {
      throw notInTrash('branch', name);
    }
    const { head } = record.branch;
    const commit = head === null ? null : await findCommit(context, repo, head);
    if (commit === undefined) {
      throw new EngineError(
        'failed_precondition',
        `Cannot undelete branch "${name}": its head ${head} was deleted too; bring that back first, with pfs undelete commit ${shortRepo(repo)}@${head}`,
      );
    }
    return await context.journal.transact((state) => {
      demandSameHistory(state, repo, history);
      if (state.trash.get(key) !== record) {
        throw notInTrash('branch', name);
      }
      const recalled: Operation[] = commit === null ? [] : [{ kind: 'commit.recalled', commit }];
      return {
        operations: [...recalled, { kind: 'branch.undeleted', repo, branch }],
        result: { ...record.branch, provenance: [] },
      };
    }, transactOptions(request));
  });
}

/**
 * Brings a removed commit back under its id, in one repo or in all from which it was removed. Branches stay where they are:
 * `create branch --head` leads to it. Rejects with `not_found` when it is not in the trash.
 */
export async function undeleteCommit(
  context: PfsContext,
  { repo, id }: { readonly repo?: RepoKey; readonly id: string },
  request: Request,
): Promise<CommitRecord[]> {
  return await untilSettled(async () => {
    const { state } = context.journal;
    const commits = [...state.trash.values()].flatMap((record) => {
      if (record.kind !== 'commit' || record.commit.id !== id) {
        return [];
      }
      const { commit } = record;
      const isWanted = repo === undefined || commit.repo === repo;
      return isWanted && state.repos.get(commit.repo)?.id === record.repoId ? [commit] : [];
    });
    if (commits.length === 0) {
      throw notInTrash('commit', repo === undefined ? id : `${shortRepo(repo)}@${id}`);
    }
    const histories = commits.map((commit) => historyOf(state, commit.repo));
    const operations: Operation[] = [];
    for (const commit of commits) {
      const parent =
        commit.parent === null ? undefined : await findCommit(context, commit.repo, commit.parent);
      operations.push({
        kind: 'commit.undeleted',
        repo: commit.repo,
        commit: id,
        parent: parent?.id ?? null,
      });
    }
    return await context.journal.transact((now) => {
      for (const [i, commit] of commits.entries()) {
        demandSameHistory(now, commit.repo, histories[i] ?? '');
      }
      return { operations, result: commits };
    }, transactOptions(request));
  });
}

function newest<K extends TrashRecord['kind']>(
  state: State,
  kind: K,
  isWanted: (record: Extract<TrashRecord, { kind: K }>) => boolean,
): Extract<TrashRecord, { kind: K }> | undefined {
  const records = [...state.trash.values()].filter(
    (record): record is Extract<TrashRecord, { kind: K }> =>
      record.kind === kind && isWanted(record as Extract<TrashRecord, { kind: K }>),
  );
  return records.sort((a, b) => b.removed - a.removed)[0];
}

function notInTrash(kind: string, name: string): EngineError {
  return new EngineError(
    'not_found',
    `Cannot undelete ${kind} "${name}": it is not in the trash; it was never there, or deleted longer ago than the grace period; pfs list-trash shows what is`,
  );
}
