// The commits that a store knows of, wherever it keeps them, and whether those that its branches point at are among them.

import { commitHistoryKey } from '../journal/history-keys.ts';
import { type CommitRecord, commitKey } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { damage, type Finding } from './finding.ts';

/** Yields every commit of every repo that there is, finished or open, and what can be had back out of the trash. */
export async function* allCommits(context: PfsContext): AsyncGenerator<CommitRecord> {
  const { state } = context.journal;
  const alive = state.commits.copy();
  for (const [, commit] of alive) {
    yield commit;
  }
  const seen = new Set(alive.map(([key]) => key));
  const trash = [...state.trash.values()];
  yield* trash.flatMap((one) => (one.kind === 'commit' ? [one.commit] : []));
  yield* state.buried.copy().map(([, commit]) => commit);
  const buried = trash.flatMap((one) => (one.kind === 'repo' ? [one.repo] : []));
  for (const repo of [...state.repos.values(), ...buried]) {
    const prefix = commitHistoryKey(repo.id, '');
    for await (const [, commit] of context.scanHistory<CommitRecord>(prefix)) {
      if (!seen.has(commitKey(commit.repo, commit.id))) {
        yield commit;
      }
    }
  }
}

/** Checks that the heads of all branches are there. */
export async function* checkHeads(context: PfsContext): AsyncGenerator<Finding> {
  const { state } = context.journal;
  for (const branch of state.branches.values()) {
    const isThere =
      branch.head === null ||
      state.commits.has(commitKey(branch.repo, branch.head)) ||
      (await context.history(
        commitHistoryKey(state.repos.get(branch.repo)?.id ?? '', branch.head),
      )) !== undefined;
    if (!isThere) {
      const message = `Branch "${branch.name}" of repo "${branch.repo}" points at commit ${branch.head}, which is not there`;
      yield damage(null, message, 'rebuild');
    }
  }
}
