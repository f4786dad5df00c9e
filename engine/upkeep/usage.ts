// How much of the store something takes: what only it needs, and what it shares with others.

import { type CommitRecord, commitKey, type RepoKey } from '../journal/records.ts';
import { listCommits, walkCommits } from '../pfs/commit-list.ts';
import { findByRef, resolveRepo } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { liveViews } from './live-views.ts';
import { Marker, type Root } from './mark.ts';
import type { Marks } from './marks.ts';
import type { Pace } from './pace.ts';
import { rootsOfHistory, rootsOfRepo, rootsOfState } from './roots.ts';

/** What something holds, and what that takes, in bytes. */
export interface Usage {
  readonly commits: number;
  /** Sizes of all its commits, each as if it stood alone. */
  readonly logical: number;
  /** Stored bytes that go when it goes. */
  readonly unique: number;
  /** Stored bytes that others need too. */
  readonly shared: number;
}

/** What a repo takes. A pipeline's repo counts with its specs and datum results. */
export interface RepoUsage extends Usage {
  readonly repo: RepoKey;
}

/** What is asked about: a repo; of it a branch, tag or commit id; a commit means itself, a branch all that leads to its head. */
export interface UsageTarget {
  readonly repo: RepoKey;
  readonly ref?: string;
}

const NOBODY = 0;
const SEVERAL = 0xffff_ffff;
const NONE = new Set<string>();

/** Returns what each of the users' repos takes. */
export async function usageOfRepos(context: PfsContext, pace: Pace): Promise<RepoUsage[]> {
  const marker = new Marker(context, { views: await liveViews(context, (live) => live), pace });
  const { marks } = marker;
  const owners = marks.views.map(({ index }) => new Uint32Array(index.count));
  const repos = [...context.journal.state.repos.values()].filter(({ kind }) => kind === 'user');
  for (const [i, { key }] of repos.entries()) {
    marks.clear();
    await markAll(marker, rootsOfRepo(context, key), pace);
    for (const [slot, of] of owners.entries()) {
      for (let position = 0; position < of.length; position++) {
        if (marks.isReached({ slot, position })) {
          of[position] = of[position] === NOBODY ? i + 1 : SEVERAL;
        }
      }
    }
  }
  const rows: RepoUsage[] = [];
  for (const [i, { key }] of repos.entries()) {
    marks.clear();
    await markAll(marker, rootsOfRepo(context, key), pace);
    const isUnique = (slot: number, position: number) => owners[slot]?.[position] === i + 1;
    rows.push({ repo: key, ...(await logicalOf(context, { repo: key })), ...sum(marks, isUnique) });
  }
  return rows;
}

/** Returns what one repo, branch or commit takes. Rejects with `not_found` when there is no such thing. */
export async function usageOf(
  context: PfsContext,
  target: UsageTarget,
  pace: Pace,
): Promise<Usage> {
  resolveRepo(context, target.repo);
  const ids = target.ref === undefined ? undefined : await idsOf(context, target.repo, target.ref);
  const isTarget = ({ owner }: Root) =>
    homeOf(owner.repo) === homeOf(target.repo) && (ids?.has(owner.commit) ?? true);
  const views = await liveViews(context, (live) => live);
  const own = new Marker(context, { views, pace });
  const others = new Marker(context, { views, pace });
  for await (const root of allRoots(context)) {
    await pace.step();
    await (isTarget(root) ? own : others).addLate(root);
  }
  await own.finish();
  await others.finish();
  const isUnique = (slot: number, position: number) => !others.marks.isReached({ slot, position });
  return { ...(await logicalOf(context, target)), ...sum(own.marks, isUnique) };
}

/** A pipeline's specs and datum results belong to the repo of its outputs. */
function homeOf(repo: RepoKey): RepoKey {
  return repo.replace(/\.(spec|meta)$/, '');
}

async function idsOf(context: PfsContext, repo: RepoKey, ref: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { id } of commitsOf(context, { repo, ref })) {
    ids.add(id);
  }
  return ids;
}

/** A branch means all commits that lead to its head; anything else one commit. */
async function* commitsOf(context: PfsContext, target: UsageTarget): AsyncGenerator<CommitRecord> {
  const { repo, ref } = target;
  if (ref === undefined) {
    yield* listCommits(context, repo);
  } else if (context.journal.state.branches.has(commitKey(repo, ref))) {
    yield* walkCommits(context, repo, ref);
  } else {
    const commit = await findByRef(context, repo, ref);
    if (commit) {
      yield commit;
    }
  }
}

async function logicalOf(
  context: PfsContext,
  target: UsageTarget,
): Promise<{ commits: number; logical: number }> {
  let commits = 0;
  let logical = 0;
  for await (const { size } of commitsOf(context, target)) {
    commits += 1;
    logical += size;
  }
  return { commits, logical };
}

/** Yields everything that must stay. */
async function* allRoots(context: PfsContext): AsyncGenerator<Root> {
  yield* [...rootsOfState(context.journal.state, NONE)];
  yield* rootsOfHistory(context, NONE);
}

async function markAll(marker: Marker, roots: AsyncIterable<Root>, pace: Pace): Promise<void> {
  for await (const root of roots) {
    await pace.step();
    await marker.addLate(root);
  }
  await marker.finish();
}

function sum(
  marks: Marks,
  isUnique: (slot: number, position: number) => boolean,
): { unique: number; shared: number } {
  const total = { unique: 0, shared: 0 };
  for (const [slot, { index }] of marks.views.entries()) {
    for (let position = 0; position < index.count; position++) {
      if (marks.isReached({ slot, position })) {
        total[isUnique(slot, position) ? 'unique' : 'shared'] += index.storedAt(position);
      }
    }
  }
  return total;
}
