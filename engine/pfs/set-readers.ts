// The commit sets that were made from a commit set: what must go before it can.

import type { CommitRecord, RepoKey } from '../journal/records.ts';
import { listSet } from './commit-lookup.ts';
import { commitsAfter } from './commit-scan.ts';
import type { PfsContext } from './context.ts';

/** Returns the ids of the other commit sets that were made from commits of a set. */
export async function setsMadeFrom(
  context: PfsContext,
  commits: readonly CommitRecord[],
  id: string,
): Promise<Set<string>> {
  const repos = new Set(commits.map(({ repo }) => repo));
  const sets = new Set<string>();
  for (const repo of [...context.journal.state.repos.keys()]) {
    for await (const commit of commitsAfter(context, repo, id)) {
      if (commit.id !== id && reads(commit, { id, repos })) {
        sets.add(commit.id);
      }
    }
  }
  return sets;
}

/**
 * Returns a commit set after all sets that were made from it, directly or by way of others: the order in which they can be
 * removed.
 */
export async function setsToRemove(context: PfsContext, id: string): Promise<string[]> {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = async (set: string): Promise<void> => {
    if (seen.has(set)) {
      return;
    }
    seen.add(set);
    for (const other of await setsMadeFrom(context, await listSet(context, set), set)) {
      await visit(other);
    }
    order.push(set);
  };
  await visit(id);
  return order;
}

/** Returns whether a commit was made from one of a set. */
export function reads(
  commit: CommitRecord,
  set: { readonly id: string; readonly repos: ReadonlySet<RepoKey> },
): boolean {
  return commit.provenance.some((link) => link.commit === set.id && set.repos.has(link.repo));
}
