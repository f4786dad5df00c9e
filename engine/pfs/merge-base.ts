// The newest commit that two commits both come from, over history pages too.

import type { CommitRecord, RepoKey } from '../journal/records.ts';
import { getCommit } from './commit-lookup.ts';
import { parentsOf } from './commit-scan.ts';
import type { PfsContext } from './context.ts';

/**
 * Returns a best common ancestor of two commits, one of which may be it, or undefined where they have nothing in common.
 * Where lines were merged crosswise there are several: it is then the one with the greatest depth and id. Reads the
 * commits down to it and holds those at the ends of the lines.
 */
export async function mergeBase(
  context: PfsContext,
  repo: RepoKey,
  pair: readonly [CommitRecord, CommitRecord],
): Promise<CommitRecord | undefined> {
  const [a, b] = pair;
  if (a.id === b.id) {
    return a;
  }
  // Deepest first: all that leads to a commit is deeper, so it is complete once it is its turn.
  const ends = new Map<string, { readonly commit: CommitRecord; fromA: boolean; fromB: boolean }>([
    [a.id, { commit: a, fromA: true, fromB: false }],
    [b.id, { commit: b, fromA: false, fromB: true }],
  ]);
  for (;;) {
    let next: { readonly commit: CommitRecord; fromA: boolean; fromB: boolean } | undefined;
    for (const end of ends.values()) {
      if (next === undefined || isDeeper(end.commit, next.commit)) {
        next = end;
      }
    }
    if (next === undefined || (next.fromA && next.fromB)) {
      return next?.commit;
    }
    ends.delete(next.commit.id);
    for (const id of parentsOf(next.commit)) {
      const known = ends.get(id);
      if (known) {
        known.fromA ||= next.fromA;
        known.fromB ||= next.fromB;
      } else {
        const { fromA, fromB } = next;
        ends.set(id, { commit: await getCommit(context, repo, id), fromA, fromB });
      }
    }
  }
}

function isDeeper(a: CommitRecord, b: CommitRecord): boolean {
  return a.depth === b.depth ? a.id > b.id : a.depth > b.depth;
}
