// Going through the commits of a repo upwards in time, out of the state and of history: how children and readers of a
// commit are found, since commits know their parents only.

import { commitHistoryKey } from '../journal/history-keys.ts';
import type { CommitRecord, RepoKey } from '../journal/records.ts';
import { USUAL_LAG_MS } from '../journal/removal.ts';
import { resolveRepo } from './commit-lookup.ts';
import type { PfsContext } from './context.ts';

/** Engines' clocks may differ, but not by this much: an engine refuses a store whose clock does. */
const SKEW_MS = 12 * 60 * 60 * 1000;

/**
 * Yields the commits of a repo that may have been made from the commit `id`, in the order of their ids. An id is taken
 * shortly before its commit is made, or, by a transaction, long before: the repo knows by how much.
 */
export async function* commitsAfter(
  context: PfsContext,
  repo: RepoKey,
  id: string,
): AsyncGenerator<CommitRecord> {
  const { state } = context.journal;
  const record = resolveRepo(context, repo);
  const from = floorOf(id, SKEW_MS + (record.idLag ?? USUAL_LAG_MS));
  const alive = [...state.commits.keysBy('repo', repo)]
    .flatMap((key) => state.commits.get(key) ?? [])
    .filter((commit) => commit.id >= from)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  let at = 0;
  const retired = context.scanHistory<CommitRecord>(commitHistoryKey(record.id, ''), {
    from: commitHistoryKey(record.id, from),
  });
  for await (const [, commit] of retired) {
    for (let next = alive[at]; next && next.id < commit.id; next = alive[at]) {
      yield next;
      at += 1;
    }
    // The state knows better: what is in both was recalled, or rewritten.
    if (alive[at]?.id !== commit.id) {
      yield commit;
    }
  }
  yield* alive.slice(at);
}

/** Returns the least id that was made `slack` milliseconds before this one. */
function floorOf(id: string, slack: number): string {
  const time = Math.max(0, Number.parseInt(id.slice(0, 12), 16) - slack);
  return time.toString(16).padStart(12, '0').padEnd(32, '0');
}

/** Returns the ids of a commit's parents: none, one, or two of a merge. */
export function parentsOf(commit: CommitRecord): string[] {
  const { parent, merged } = commit;
  return [...(parent === null ? [] : [parent]), ...(merged === undefined ? [] : [merged])];
}

/**
 * Returns a child of a commit that goes as the child of that one's parents. A commit has two at most: of two merges
 * that become one the later one's stays. One that loses its first line goes on from the other.
 */
export function adopt(child: CommitRecord, gone: CommitRecord): CommitRecord {
  const { merged, ...rest } = child;
  const first = child.parent === gone.id ? gone.parent : child.parent;
  const second =
    merged === undefined ? gone.merged : merged === gone.id ? (gone.parent ?? gone.merged) : merged;
  return first === null || second === undefined || second === first
    ? { ...rest, parent: first ?? second ?? null }
    : { ...rest, parent: first, merged: second };
}
