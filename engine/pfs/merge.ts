// Merging branches and reverting commits: three-way, whole or not at all, as one commit that causes what any commit does.

import { EngineError } from '../base/errors.ts';
import { branchKey, type CommitRecord, commitKey, type RepoKey } from '../journal/records.ts';
import { checkWritable, openHead } from './branch-rules.ts';
import { resolveBranch } from './branches.ts';
import { type Change, makeChange } from './change.ts';
import { commitById, commitByRef, goodCommit, historyFact } from './commit-facts.ts';
import type { PfsContext, Request } from './context.ts';
import { type FinishedTree, writeGitCommit } from './git-commit.ts';
import { mergeBase } from './merge-base.ts';
import { type Favour, type MergePlan, type MergeSides, planMerge } from './merge-trees.ts';
import { shortRepo } from './names.ts';
import { newCommit } from './new-commit.ts';
import { TreeDraft } from './tree-draft.ts';

/** How a merge or a revert ended. `conflicts`: nothing was changed. */
export interface MergeOutcome {
  readonly outcome: 'merged' | 'reverted' | 'fast_forward' | 'up_to_date' | 'conflicts';
  /** What the branch shows afterwards; null with conflicts. */
  readonly commit: CommitRecord | null;
  readonly conflicts: MergePlan['conflicts'];
  /** Of all conflicts. */
  readonly conflictCount: number;
}

/** The refusal of a merge or a revert because both sides changed the same paths, each in its way. */
export class MergeConflict extends EngineError {
  readonly plan: MergePlan;

  constructor(what: string, plan: MergePlan) {
    const shown = plan.conflicts.slice(0, 3).map(({ path }) => `"/${path}"`);
    const more =
      plan.conflictCount > shown.length ? ` and ${plan.conflictCount - shown.length} more` : '';
    super('conflict', `Cannot ${what}: both sides changed ${shown.join(', ')}${more}`);
    this.plan = plan;
  }
}

/** Resolves with the outcome, which conflicts are too. */
export async function conflictsAsOutcome(merge: Promise<MergeOutcome>): Promise<MergeOutcome> {
  try {
    return await merge;
  } catch (error) {
    if (error instanceof MergeConflict) {
      const { conflicts, conflictCount } = error.plan;
      return { outcome: 'conflicts', commit: null, conflicts, conflictCount };
    }
    throw error;
  }
}

export interface MergeBranch {
  readonly repo: RepoKey;
  /** The branch that gets the changes. */
  readonly into: string;
  /** Any ref of the repo. */
  readonly from: string;
  readonly favour?: Favour;
  /** False: makes a commit also where moving the branch would do. */
  readonly fastForward: boolean;
  readonly description: string;
}

/**
 * Brings what `from` has and the branch `into` has not into the branch. Rejects with `failed_precondition` where a commit is
 * open, or where users may not write.
 */
export function mergeBranch(
  context: PfsContext,
  options: MergeBranch,
  request: Request,
): Promise<MergeOutcome> {
  return conflictsAsOutcome(
    makeChange(context, request, (change) => mergeBranchIn(change, options)),
  );
}

/** As {@link mergeBranch}, within a change; rejects with {@link MergeConflict} where there are conflicts. */
export function mergeBranchIn(change: Change, options: MergeBranch): MergeOutcome {
  const { repo, into, from, favour } = options;
  const { context } = change;
  const ours = headToChange(change, { repo, branch: into, verb: 'merge into' });
  const theirs = goodOrRefused(commitByRef(change, repo, from), `merge "${from}"`);
  const base =
    ours &&
    historyFact(change, `base ${ours.id} ${theirs.id}`, {
      repo,
      load: () => mergeBase(context, repo, [ours, theirs]),
    });
  if (ours && base?.id === theirs.id) {
    return done('up_to_date', ours);
  }
  if (ours === undefined || (base?.id === ours.id && options.fastForward)) {
    change.add(
      // Always: another engine may have retired it already, and must have it back.
      { kind: 'commit.recalled', commit: theirs },
      { kind: 'branch.moved', repo, branch: into, head: theirs.id },
    );
    change.moved({ repo, branch: into });
    return done('fast_forward', theirs);
  }
  for (const commit of [ours, theirs]) {
    change.refuseFinished(commit, `merge "${from}" into branch "${into}"`);
  }
  const sides: MergeSides = {
    base: base ? treeOf(change, base) : null,
    ours: treeOf(change, ours),
    theirs: theirs.tree,
  };
  const plan = planOf(change, sides, favour);
  if (plan.conflictCount > 0) {
    throw new MergeConflict(`merge "${from}" into branch "${into}"`, plan);
  }
  const description = options.description || `Merge ${from} into ${into}`;
  const commit = commitPlan(change, {
    parent: ours,
    merged: theirs,
    branch: into,
    tree: sides.ours,
    plan,
    description,
  });
  return done('merged', commit);
}

export interface RevertCommit {
  readonly repo: RepoKey;
  readonly ref: string;
  /** Where to undo it. */
  readonly branch: string;
  readonly description: string;
}

/**
 * Makes a commit on a branch that takes back what a commit changed. Rejects with `failed_precondition` where nothing of
 * that is left, where a commit is open, or where users may not write.
 */
export function revertCommit(
  context: PfsContext,
  options: RevertCommit,
  request: Request,
): Promise<MergeOutcome> {
  return conflictsAsOutcome(
    makeChange(context, request, (change) => revertCommitIn(change, options)),
  );
}

/** As {@link revertCommit}, within a change; rejects with {@link MergeConflict} where there are conflicts. */
export function revertCommitIn(change: Change, options: RevertCommit): MergeOutcome {
  const { repo, ref, branch } = options;
  const commit = goodOrRefused(commitByRef(change, repo, ref), `revert "${ref}"`);
  const ours = headToChange(change, { repo, branch, verb: 'revert on' });
  for (const needed of ours ? [commit, ours] : [commit]) {
    change.refuseFinished(needed, `revert "${ref}"`);
  }
  const sides: MergeSides = {
    base: commit.tree,
    ours: ours ? treeOf(change, ours) : null,
    theirs: goodCommit(change, repo, commit.parent)?.tree ?? null,
  };
  const plan = planOf(change, sides);
  if (plan.conflictCount > 0) {
    throw new MergeConflict(`revert "${ref}" on branch "${branch}"`, plan);
  }
  if (plan.edits.length === 0 || ours === undefined) {
    throw new EngineError(
      'failed_precondition',
      `Cannot revert "${ref}" on branch "${branch}": nothing that it changed is left there`,
    );
  }
  const what = commit.description || commit.id;
  const made = commitPlan(change, {
    parent: ours,
    branch,
    tree: sides.ours,
    plan,
    description: options.description || `Revert "${what}"\n\nThis takes back commit ${commit.id}.`,
  });
  return done('reverted', made);
}

function done(outcome: MergeOutcome['outcome'], commit: CommitRecord): MergeOutcome {
  return { outcome, commit, conflicts: [], conflictCount: 0 };
}

/** Returns the head of a branch that is to be changed; undefined where it has none. */
function headToChange(
  change: Change,
  target: { readonly repo: RepoKey; readonly branch: string; readonly verb: string },
): CommitRecord | undefined {
  const { repo, branch, verb } = target;
  const { state } = change;
  checkWritable(state, target);
  resolveBranch(change.context, repo, branch);
  const open = openHead(state, repo, branch);
  if (open) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}": commit ${open.id} is open there; finish it first`,
    );
  }
  if (change.hasCommitIn(repo)) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} branch "${branch}": the transaction has made a commit in repo "${shortRepo(repo)}" already, and makes one in each repo at most`,
    );
  }
  const head = state.branches.get(branchKey(repo, branch))?.head ?? null;
  return head === null ? undefined : commitById(change, repo, head);
}

function goodOrRefused(commit: CommitRecord, what: string): CommitRecord {
  if (commit.finished === null || commit.error !== null) {
    const why =
      commit.finished === null
        ? 'has not finished; wait for it, or finish it first'
        : 'failed, so it shows nothing of its own; name another commit';
    throw new EngineError('failed_precondition', `Cannot ${what}: commit ${commit.id} ${why}`);
  }
  return commit;
}

/** Returns the tree that a commit shows. */
function treeOf(change: Change, commit: CommitRecord): string | null {
  return goodCommit(change, commit.repo, commit.id)?.tree ?? null;
}

function planOf(change: Change, sides: MergeSides, favour?: Favour): MergePlan {
  const { context, facts } = change;
  const key = `merge ${sides.base} ${sides.ours} ${sides.theirs} ${favour}`;
  return facts.find(key, () => planMerge(context.objects, sides, favour));
}

const NOT_WRITTEN: FinishedTree = { tree: null, git: '', size: 0, files: 0 };

/** Adds the commit that carries out a plan on the tree of its parent. */
function commitPlan(
  change: Change,
  options: {
    readonly parent: CommitRecord;
    readonly merged?: CommitRecord;
    readonly branch: string;
    readonly tree: string | null;
    readonly plan: MergePlan;
    readonly description: string;
  },
): CommitRecord {
  const { parent, merged, branch, tree, plan, description } = options;
  const { repo } = parent;
  const { set: id, state, time } = change;
  const commit = newCommit({
    repo,
    id,
    branch,
    time,
    origin: 'user',
    by: change.asker.actor,
    description,
    parents: merged ? [parent, merged] : [parent],
    tree,
  });
  const parents = [parent, ...(merged ? [merged] : [])].flatMap(
    (one) => goodCommit(change, repo, one.id)?.git ?? [],
  );
  const written = change.store(`merged ${id} ${tree} ${parents.join()}`, {
    repos: [repo],
    standIn: NOT_WRITTEN,
    write: async (session) => {
      const draft = new TreeDraft(session, tree);
      for (const { path, entry } of plan.edits) {
        await (entry === null ? draft.remove(path) : draft.set(path, entry));
      }
      const [first = null, second = null] = parents;
      return await writeGitCommit(session, commit, {
        tree: await draft.write(session),
        parent: first,
        merged: second,
        time,
        description,
      });
    },
  });
  change.add(
    { kind: 'commit.started', commit },
    { kind: 'commit.finished', repo, commit: id, time, ...written, error: null },
    { kind: 'branch.moved', repo, branch, head: id },
  );
  change.moved({ repo, branch });
  return state.commits.get(commitKey(repo, id)) ?? commit;
}
