// Dropping a commit set: the newest commits of their repos go, and branches go back to where they were before.

import { EngineError } from '../base/errors.ts';
import type { CommitRecord } from '../journal/records.ts';
import { type Change, makeChange } from './change.ts';
import type { PfsContext, Request } from './context.ts';
import { shortRepo } from './names.ts';
import {
  demandPrepared,
  preparedRemoval,
  prepareRemoval,
  type Removal,
  removeSet,
} from './set-removal.ts';

/**
 * Deletes the commits of a set in all repos, with the jobs that made them, in one transaction; jobs that still run are
 * stopped by whoever runs them. Branches that show one of the commits show its parent. Returns what was deleted.
 * Rejects with `failed_precondition` where a commit of the set has children, or as {@link prepareRemoval} does.
 */
export function dropSet(
  context: PfsContext,
  id: string,
  request: Request,
): Promise<CommitRecord[]> {
  return makeChange(context, request, (change) => dropSetIn(change, id));
}

/** As {@link dropSet}, within a change. */
export function dropSetIn(change: Change, id: string): CommitRecord[] {
  const { context, draft, state } = change;
  const { removal } = preparedRemoval(change, {
    id,
    verb: 'delete',
    prepare: async () => ({ removal: await prepareRemoval(context, id, 'delete') }),
    check: (prepared) =>
      demandPrepared(state, prepared.removal, { isBelow: (_repo, commit) => commit === id }),
  });
  refuseParents(removal);
  for (const { commit, parent } of removal.members) {
    const { repo } = commit;
    for (const key of [...state.branches.keysBy('repo', repo)]) {
      const branch = state.branches.get(key);
      if (branch?.head !== id) {
        continue;
      }
      if (parent) {
        // Always: another engine may have retired it already, and must have it back.
        draft.add({ kind: 'commit.recalled', commit: parent });
      }
      const head = parent?.id ?? null;
      draft.add({ kind: 'branch.moved', repo, branch: branch.name, head });
    }
  }
  removeSet(change, removal);
  return removal.members.map(({ commit }) => commit);
}

function refuseParents({ id, members }: Removal): void {
  for (const { commit, children } of members) {
    const [child] = children;
    if (child) {
      throw new EngineError(
        'failed_precondition',
        `Cannot delete commit set ${id}: its commit in repo "${shortRepo(commit.repo)}" has the child ${child.id}; delete that first, or fold this one into it with pfs squash-commit ${id}`,
      );
    }
  }
}
