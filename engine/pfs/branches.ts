// Branches: making them, moving their heads, deleting them.

import { EngineError } from '../base/errors.ts';
import {
  type BranchRecord,
  branchKey,
  type RepoKey,
  type TriggerRecord,
} from '../journal/records.ts';
import { checkWritable, openHead } from './branch-rules.ts';
import { type Change, makeChange } from './change.ts';
import { commitByRef } from './commit-facts.ts';
import { resolveRepo } from './commit-lookup.ts';
import type { PfsContext, Request } from './context.ts';
import { checkBranchName, shortRepo } from './names.ts';
import { checkTriggerLoop } from './triggers.ts';

/** Returns a branch's record; `not_found` when there is none. */
export function resolveBranch(context: PfsContext, repo: RepoKey, branch: string): BranchRecord {
  resolveRepo(context, repo);
  const record = context.journal.state.branches.get(branchKey(repo, branch));
  if (record === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find branch "${branch}" in repo "${shortRepo(repo)}"; pfs list-branch ${shortRepo(repo)} shows its branches`,
    );
  }
  return record;
}

export interface PutBranch {
  readonly repo: RepoKey;
  readonly branch: string;
  /** Any ref of the same repo. */
  readonly head?: string;
  /** How it follows another branch from now on; null: not any more. */
  readonly trigger?: Omit<TriggerRecord, 'ticked'> | null;
}

/**
 * Makes a branch, or moves the head of one, to any finished commit of its repo; moving a head causes commits downstream as
 * a new commit would, and may make branches that follow it move. A trigger stays unless it is given anew. Rejects with `failed_precondition` on a pipeline's output branch.
 */
export function putBranch(
  context: PfsContext,
  options: PutBranch,
  request: Request,
): Promise<BranchRecord> {
  return makeChange(context, request, (change) => putBranchIn(change, options));
}

/** As {@link putBranch}, within a change. */
export function putBranchIn(change: Change, options: PutBranch): BranchRecord {
  const { repo, branch: name } = options;
  const { state } = change;
  checkBranchName(name);
  resolveRepo(change.context, repo);
  const head = options.head === undefined ? undefined : commitByRef(change, repo, options.head);
  if (head?.finished === null) {
    throw new EngineError(
      'failed_precondition',
      `Cannot move branch "${name}" to commit ${head.id}: it has not finished; wait for it, or finish it first`,
    );
  }
  checkWritable(state, { repo, branch: name, verb: 'move' });
  const open = openHead(state, repo, name);
  if (open && head) {
    throw new EngineError(
      'failed_precondition',
      `Cannot move branch "${name}": commit ${open.id} is open there; finish it first`,
    );
  }
  const old = state.branches.get(branchKey(repo, name));
  const { trigger: oldTrigger, ...rest } = old ?? { provenance: [], created: change.time };
  const trigger =
    options.trigger === undefined ? oldTrigger : withTicks(options.trigger, change.time);
  if (trigger) {
    checkTriggerLoop(state, { repo, branch: name, trigger });
  }
  const next: BranchRecord = {
    ...rest,
    repo,
    name,
    head: head?.id ?? old?.head ?? null,
    ...(trigger ? { trigger } : {}),
  };
  if (head && head.id !== old?.head) {
    // Always: another engine may have retired it already, and must have it back.
    change.add({ kind: 'commit.recalled', commit: head });
  }
  change.add({ kind: 'branch.put', branch: next });
  if (next.head !== null && next.head !== old?.head) {
    change.moved({ repo, branch: name });
  }
  return next;
}

/** A schedule begins when the trigger is made. */
function withTicks(
  trigger: Omit<TriggerRecord, 'ticked'> | null,
  ticked: number,
): TriggerRecord | undefined {
  return trigger ? { ...trigger, ticked } : undefined;
}

export interface DeleteBranch {
  readonly repo: RepoKey;
  readonly branch: string;
  readonly force: boolean;
}

/**
 * Deletes a branch; its commits stay. Rejects with `failed_precondition` when a pipeline writes it or, unless forced,
 * when another branch has it as provenance: that one then loses this source.
 */
export function deleteBranch(
  context: PfsContext,
  options: DeleteBranch,
  request: Request,
): Promise<null> {
  return makeChange(context, request, (change) => deleteBranchIn(change, options));
}

/** As {@link deleteBranch}, within a change. */
export function deleteBranchIn(change: Change, options: DeleteBranch): null {
  const { repo, branch: name, force } = options;
  const { state } = change;
  resolveBranch(change.context, repo, name);
  checkWritable(state, { repo, branch: name, verb: 'delete' });
  const open = openHead(state, repo, name);
  if (open && !force) {
    throw new EngineError(
      'failed_precondition',
      `Cannot delete branch "${name}" of repo "${shortRepo(repo)}": commit ${open.id} is open there; finish it first, or use --force`,
    );
  }
  const readers = [...state.branches.values()].filter((branch) =>
    branch.provenance.some((source) => source.repo === repo && source.branch === name),
  );
  const users = readers.filter((reader) => !reader.repo.endsWith('.meta'));
  if (users.length > 0 && !force) {
    const names = users.map((reader) => `"${shortRepo(reader.repo)}"`).join(', ');
    throw new EngineError(
      'failed_precondition',
      `Cannot delete branch "${name}" of repo "${shortRepo(repo)}": it is read by ${names}; delete what reads it first, or use --force`,
    );
  }
  for (const reader of readers) {
    const provenance = reader.provenance.filter(
      (source) => source.repo !== repo || source.branch !== name,
    );
    change.add({ kind: 'branch.put', branch: { ...reader, provenance } });
  }
  change.add({ kind: 'branch.deleted', repo, branch: name });
  return null;
}
