// Triggers: branches that follow another branch of their repo by themselves, once enough has happened there. Decided from
// the state alone, in the transaction that brings the commit which makes them fire.

import { EngineError } from '../base/errors.ts';
import { parseSchedule } from '../base/schedule.ts';
import type { Draft } from '../journal/compose.ts';
import {
  type BranchRecord,
  type BranchRef,
  branchKey,
  type CommitRecord,
  commitKey,
  type RepoKey,
  type TriggerRecord,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { openHead } from './branch-rules.ts';
import { shortRepo } from './names.ts';

/** A branch and a commit that it has come to. */
export interface Arrival {
  readonly ref: BranchRef;
  readonly commit: string;
}

/**
 * Moves the branches whose triggers fire, now that branches have come to these commits, and those that follow them in
 * turn. Returns those that moved. A commit that is open, or has failed, moves nothing.
 */
export function fireTriggers(draft: Draft, arrivals: readonly Arrival[]): BranchRef[] {
  const { state } = draft;
  const moved: BranchRef[] = [];
  const queue = [...arrivals];
  // What fires joins the queue. It ends, since a branch that is at a commit does not move there again.
  for (const { ref, commit } of queue) {
    const head = state.commits.get(commitKey(ref.repo, commit));
    for (const branch of followers(state, ref)) {
      if (head !== undefined && fires(state, branch, head)) {
        const follower = { repo: branch.repo, branch: branch.name };
        draft.add({ kind: 'branch.moved', ...follower, head: commit });
        moved.push(follower);
        queue.push({ ref: follower, commit });
      }
    }
  }
  return moved;
}

/** A trigger whose schedule has a time that it has not looked at. */
export interface DueTrigger {
  readonly branch: BranchRef;
  /** The next time of its schedule. */
  readonly time: number;
}

/** Yields the branches that move at set times, each with the next one. */
export function* cronTriggers(state: State): Generator<DueTrigger> {
  for (const key of state.branches.keysBy('cron', 'cron')) {
    const branch = state.branches.get(key);
    const time = branch && nextTick(branch);
    if (branch && time !== undefined) {
      yield { branch: { repo: branch.repo, branch: branch.name }, time };
    }
  }
}

/**
 * Takes the time `due` of a branch's schedule, unless it was taken before: the branch moves to what it follows. Times that
 * have passed with it are taken too, since they would move it to the same commit. Returns where it came to, or undefined
 * where it stays.
 */
export function tickTrigger(
  draft: Draft,
  due: DueTrigger & { readonly now: number },
): Arrival | undefined {
  const { state } = draft;
  const ref = due.branch;
  const branch = state.branches.get(branchKey(ref.repo, ref.branch));
  if (branch?.trigger === undefined || nextTick(branch) !== due.time) {
    return undefined;
  }
  let ticked = due.time;
  for (let next: number | undefined = ticked; next !== undefined && next <= due.now; ) {
    ticked = next;
    next = parseSchedule(branch.trigger.cron ?? '@never').next(next);
  }
  draft.add({ kind: 'branch.put', branch: { ...branch, trigger: { ...branch.trigger, ticked } } });
  const source = state.branches.get(branchKey(ref.repo, branch.trigger.branch));
  const head = source?.head ? state.commits.get(commitKey(ref.repo, source.head)) : undefined;
  if (head === undefined || !isMovable(state, branch, head)) {
    return undefined;
  }
  draft.add({ kind: 'branch.moved', ...ref, head: head.id });
  return { ref, commit: head.id };
}

/** Rejects a trigger that would make branches follow each other in a circle. */
export function checkTriggerLoop(
  state: State,
  on: { readonly repo: RepoKey; readonly branch: string; readonly trigger: TriggerRecord },
): void {
  const { repo, branch, trigger } = on;
  const chain = [branch];
  for (let next: string | undefined = trigger.branch; next !== undefined; ) {
    if (chain.includes(next)) {
      throw new EngineError(
        'invalid',
        `Cannot put a trigger on branch "${branch}" of repo "${shortRepo(repo)}": branches would follow each other in a circle (${[...chain, next].join(' → ')}); follow another branch`,
      );
    }
    chain.push(next);
    next = state.branches.get(branchKey(repo, next))?.trigger?.branch;
  }
}

function* followers(state: State, ref: BranchRef): Generator<BranchRecord> {
  for (const key of [...state.branches.keysBy('trigger', branchKey(ref.repo, ref.branch))]) {
    const branch = state.branches.get(key);
    if (branch) {
      yield branch;
    }
  }
}

function nextTick({ trigger }: BranchRecord): number | undefined {
  return trigger?.cron ? parseSchedule(trigger.cron).next(trigger.ticked) : undefined;
}

/** Says whether a branch may be moved to a commit: it is elsewhere, nobody writes there, and the commit is good. */
function isMovable(state: State, branch: BranchRecord, head: CommitRecord): boolean {
  return (
    branch.head !== head.id &&
    head.finished !== null &&
    head.error === null &&
    openHead(state, branch.repo, branch.name) === undefined
  );
}

function fires(state: State, branch: BranchRecord, head: CommitRecord): boolean {
  const { trigger } = branch;
  if (!trigger || trigger.cron !== null || !isMovable(state, branch, head)) {
    return false;
  }
  const { all, size, commits, rateLimit } = trigger;
  const old = lastMove(state, branch);
  const holds: boolean[] = [];
  if (size !== null) {
    holds.push(head.size - (old?.size ?? 0) >= size);
  }
  if (commits !== null) {
    holds.push(head.depth - (old?.depth ?? -1) >= commits);
  }
  if (rateLimit !== null) {
    const next = old?.finished ? parseSchedule(rateLimit).next(old.finished) : 0;
    holds.push(next !== undefined && next <= (head.finished ?? 0));
  }
  return all ? holds.every(Boolean) : holds.some(Boolean);
}

/** Returns the commit that a branch came to last; the empty one that it began with, for its readers, is none. */
function lastMove(state: State, branch: BranchRecord): CommitRecord | undefined {
  const head =
    branch.head === null ? undefined : state.commits.get(commitKey(branch.repo, branch.head));
  const isBeginning =
    head?.origin === 'auto' && head.parent === null && head.tree === null && head.pipeline === null;
  return isBeginning ? undefined : head;
}
