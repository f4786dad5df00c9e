// Squashing a commit set: its commits go, and what they changed is from then on part of their children's changes. Trees
// stay as they are; the Git commits of all descendants are written anew.

import { EngineError } from '../base/errors.ts';
import type { CommitRecord, RepoKey } from '../journal/records.ts';
import { type Change, makeChange } from './change.ts';
import { lastGood } from './commit-lookup.ts';
import { adopt } from './commit-scan.ts';
import type { PfsContext, Request } from './context.ts';
import { GitRewrite } from './git-rewrite.ts';
import { shortRepo } from './names.ts';
import {
  demandPrepared,
  preparedRemoval,
  prepareRemoval,
  type Removal,
  removeSet,
} from './set-removal.ts';
import { demand, untilSettled } from './settled.ts';

/**
 * Removes the commits of a set in all repos, with the jobs that made them, in one transaction, after the Git commits of
 * their descendants have been written without them; being cut off before that leaves a whole history of either kind.
 * Returns what was removed. Rejects with `failed_precondition` where that would lose data (a commit without children,
 * or one that a branch still shows), where a commit of the set or a child of one is open, or as
 * {@link prepareRemoval} does.
 */
export function squashSet(
  context: PfsContext,
  id: string,
  request: Request,
): Promise<CommitRecord[]> {
  return makeChange(context, request, (change) => squashSetIn(change, id));
}

/** As {@link squashSet}, within a change; a trial writes no Git commits. */
export function squashSetIn(change: Change, id: string): CommitRecord[] {
  const { context, draft, facts, state } = change;
  const { removal, rewrites } = preparedRemoval(change, {
    id,
    verb: 'squash',
    prepare: () => untilSettled(() => prepareSquash(context, id, { isTrial: facts.isTrial })),
    check: (prepared) => {
      demandPrepared(state, prepared.removal, {
        isBelow: (repo, commit) => prepared.rewrites.get(repo)?.isBelow(commit) ?? commit === id,
      });
      for (const rewrite of prepared.rewrites.values()) {
        demand(rewrite.isStillOpen(state));
      }
      for (const [key, head] of prepared.heads) {
        demand((state.branches.get(key)?.head ?? null) === head);
      }
    },
  });
  for (const member of removal.members) {
    const rewrite = rewrites.get(member.commit.repo);
    rewrite?.addLast(draft);
    for (const child of member.children) {
      const rewritten = rewrite?.current(child) ?? child;
      draft.add({ kind: 'commit.rewritten', commit: adopt(rewritten, member.commit) });
    }
  }
  removeSet(change, removal);
  return removal.members.map(({ commit }) => commit);
}

interface Squash {
  readonly removal: Removal;
  /** By branch key, those with which it was found that nothing is lost. */
  readonly heads: ReadonlyMap<string, string | null>;
  readonly rewrites: ReadonlyMap<RepoKey, GitRewrite>;
}

async function prepareSquash(
  context: PfsContext,
  id: string,
  { isTrial }: { readonly isTrial: boolean },
): Promise<Squash> {
  const removal = await prepareRemoval(context, id, 'squash');
  try {
    const heads = await checkLossless(context, removal);
    const rewrites = new Map<RepoKey, GitRewrite>();
    for (const { commit } of isTrial ? [] : removal.members) {
      const rewrite = new GitRewrite(context, {
        gone: commit,
        history: removal.histories.get(commit.repo) ?? '',
      });
      rewrites.set(commit.repo, rewrite);
      removal.histories.set(commit.repo, await rewrite.run());
    }
    return { removal, heads, rewrites };
  } catch (error) {
    removal.close();
    throw error;
  }
}

/** Refuses where squashing would lose data; returns the heads, by branch key, with which that was found. */
async function checkLossless(
  context: PfsContext,
  { id, members }: Removal,
): Promise<Map<string, string | null>> {
  const { branches, commits } = context.journal.state;
  const heads = new Map<string, string | null>();
  for (const { commit, children } of members) {
    const name = shortRepo(commit.repo);
    if (commit.finished === null) {
      throw new EngineError(
        'failed_precondition',
        `Cannot squash commit set ${id}: its commit in repo "${name}" has not finished; wait for it, or drop the set with pfs delete-commit ${id}`,
      );
    }
    if (children.length === 0) {
      throw new EngineError(
        'failed_precondition',
        `Cannot squash commit set ${id}: its commit in repo "${name}" has no children, so what it brought would be lost; drop the set with pfs delete-commit ${id}`,
      );
    }
    const open = children.find((child) => child.finished === null);
    if (open) {
      throw new EngineError(
        'failed_precondition',
        `Cannot squash commit set ${id}: child commit ${open.id} in repo "${name}" has not finished; wait for it, or finish it first`,
      );
    }
    for (const key of [...commits.keysBy('open', 'open')]) {
      const open = commits.get(key);
      if (open?.repo === commit.repo && (await shows(context, commit, open.parent))) {
        throw new EngineError(
          'failed_precondition',
          `Cannot squash commit set ${id}: commit ${open.id} in repo "${name}" goes on from it and has not finished; wait for it, or finish it first`,
        );
      }
    }
    for (const key of [...branches.keysBy('repo', commit.repo)]) {
      const branch = branches.get(key);
      heads.set(key, branch?.head ?? null);
      // Below a branch that shows it there are only commits that failed, which show what it has.
      if (branch && (await shows(context, commit, branch.head))) {
        throw new EngineError(
          'failed_precondition',
          `Cannot squash commit set ${id}: branch "${branch.name}" of repo "${name}" shows its commit; move the branch, or delete it first`,
        );
      }
    }
  }
  return heads;
}

/** Returns whether what stands at `head` has the files of `commit`: it, or commits below it that all failed. */
async function shows(
  context: PfsContext,
  commit: CommitRecord,
  head: string | null,
): Promise<boolean> {
  if (head === commit.id) {
    return true;
  }
  return commit.error === null && (await lastGood(context, commit.repo, head))?.id === commit.id;
}
