// Lets go of what nothing reaches, while the engine serves. Packs leave the live set in the journal, which refuses where a
// newer transaction uses one; objects are deleted a grace period later, after the journal has said so. No clock decides
// whether that is safe: clocks only say how long it waits.

import { isEngineError } from '../base/errors.ts';
import type { AddedPack } from '../journal/operations.ts';
import type { PfsContext } from '../pfs/context.ts';
import { deleteLogs } from './dead-logs.ts';
import { deletePages } from './dead-pages.ts';
import { deleteRemoved, deleteStrays } from './deletion.ts';
import type { LinkMemory } from './link-memory.ts';
import { liveViews } from './live-views.ts';
import { Marker } from './mark.ts';
import type { Marks } from './marks.ts';
import type { Pace } from './pace.ts';
import type { PackView } from './pack-view.ts';
import { type Amount, amountOf, type CollectReport, type KeptPacks, NONE } from './report.ts';
import { type PruneResults, retain } from './retention.ts';
import { rewritePacks } from './rewrite.ts';
import { type Gone, rootsOfHistory, rootsOfState } from './roots.ts';
import { lastEntryBefore, storeTime } from './store-time.ts';

export interface CollectOptions {
  /** How long what was let go of stays, in milliseconds by the store's clock. */
  readonly graceMs: number;
  /** Nothing is changed: the report says what would be. */
  readonly dryRun: boolean;
  readonly pace: Pace;
  /** What earlier collections have read. */
  readonly memory?: LinkMemory;
  readonly pruneResults?: PruneResults;
}

/** Packs of which less than this part is reached are written anew. */
const SPARSE = 0.5;
/** What is written anew together holds at most so many bytes. */
const MAX_REWRITE_BYTES = 256 * 1024 * 1024;
const ACTOR = { actor: 'engine' };

/** A live pack with what is reached of it. */
interface Candidate extends PackView {
  readonly slot: number;
  readonly reached: number;
}

/** A walk over all that is reached, from the state after entry `since`. */
interface Walk {
  readonly marks: Marks;
  readonly since: number;
}

/**
 * Collects once. Rejects with `corrupt`, and nothing let go, when something that is reached can't be read, with
 * `failed_precondition` when the clocks of the store and of this machine disagree, and with `cancelled` when `pace` ends it.
 */
export async function collect(
  context: PfsContext,
  options: CollectOptions,
): Promise<CollectReport> {
  const { graceMs, dryRun, pace } = options;
  const { journal } = context;
  await journal.sync();
  const now = await storeTime(context);
  const expired = await retain(context, options);
  const old = await lastEntryBefore(context, now - graceMs);
  const gone = new Set(
    [...journal.state.trash.entries()].flatMap(([key, { removed }]) =>
      removed <= old ? [key] : [],
    ),
  );
  if (!dryRun && gone.size > 0) {
    await journal.transact(
      () => ({ operations: [{ kind: 'trash.emptied' as const, keys: [...gone] }], result: null }),
      ACTOR,
    );
  }
  const walk = await walkAll(context, { ...options, gone });
  const { dead, sparse, ...kept } = sort(context, walk, old);
  const removed = dryRun
    ? { done: [...dead, ...sparse], busy: NONE, rewritten: amountOf(sparse.map(reachedPart)) }
    : await removePacks(context, { dead, sparse, walk, pace });
  const isDone = (candidate: Candidate) => removed.done.includes(candidate);
  const changes = { old, before: now - graceMs, dryRun, pace };
  return {
    dryRun,
    graceMs,
    live: amountReached(walk.marks),
    dead: amountOf(dead.filter(isDone).map(({ pack }) => pack)),
    sparse: amountOf(sparse.filter(isDone).map(({ pack }) => pack)),
    rewritten: removed.rewritten,
    busy: removed.busy,
    ...kept,
    ...(await deleteRemoved(context, changes)),
    orphans: await deleteStrays(context, changes),
    logs: await deleteLogs(context, changes),
    pages: await deletePages(context, { graceMs, now, dryRun, pace }),
    expired: expired.commits,
    results: expired.results,
    emptied: gone.size,
    trash: journal.state.trash.size - (dryRun ? gone.size : 0),
  };
}

/** Marks all that the state, as it is when the walk begins, and history reach. */
async function walkAll(
  context: PfsContext,
  options: CollectOptions & { readonly gone: Gone },
): Promise<Walk> {
  const { gone, pace, memory } = options;
  const { journal } = context;
  // In one step: whatever comes later must name what it leans on.
  const { views, since, roots } = await liveViews(context, (live) => ({
    views: live,
    since: journal.seq,
    roots: [...rootsOfState(journal.state, gone)],
  }));
  const marker = new Marker(context, { views, pace, ...(memory ? { memory } : {}) });
  try {
    for (const root of roots) {
      marker.add(root);
    }
    for await (const root of rootsOfHistory(context, gone)) {
      await pace.step();
      // What was rewritten since the walk began is in packs that nobody lets go of.
      await marker.addLate(root);
    }
    // A commit that was removed during the walk may have been missed in history: it is in the trash now.
    for (const root of [...rootsOfState(journal.state, gone)]) {
      await marker.addLate(root);
    }
    await marker.finish();
    return { marks: marker.marks, since };
  } finally {
    marker.end();
  }
}

/** Sorts the packs of a walk into those to let go, and those that stay with the reason. */
function sort(
  { journal }: PfsContext,
  { marks }: Walk,
  old: number,
): { dead: Candidate[]; sparse: Candidate[]; full: KeptPacks; young: KeptPacks } {
  const sorted: Record<'dead' | 'sparse' | 'full' | 'young', Candidate[]> = {
    dead: [],
    sparse: [],
    full: [],
    young: [],
  };
  for (const [slot, view] of marks.views.entries()) {
    const reached = marks.reachedBytes(slot);
    const isYoung = (journal.state.packs.get(view.pack.id)?.used ?? 0) > old;
    const isFull = reached >= view.pack.bytes * SPARSE;
    const kind = isFull ? 'full' : isYoung ? 'young' : reached === 0 ? 'dead' : 'sparse';
    sorted[kind].push({ ...view, slot, reached });
  }
  const { dead, sparse, full, young } = sorted;
  return { dead, sparse, full: keptOf(full), young: keptOf(young) };
}

/** Takes packs out of the live set, after writing anew what of them is reached. */
async function removePacks(
  context: PfsContext,
  work: {
    readonly dead: readonly Candidate[];
    readonly sparse: readonly Candidate[];
    readonly walk: Walk;
    readonly pace: Pace;
  },
): Promise<{ done: Candidate[]; busy: Amount; rewritten: Amount }> {
  const { dead, sparse, walk, pace } = work;
  const done: Candidate[] = [];
  const busy: Candidate[] = [];
  const added: AddedPack[] = [];
  const remove = async (candidates: readonly Candidate[], written: readonly AddedPack[]) => {
    const removed = candidates.map(({ pack }) => pack.id);
    try {
      await context.journal.transact(
        () => ({
          operations: [
            { kind: 'packs.collected' as const, added: written, removed, since: walk.since },
          ],
          result: null,
        }),
        ACTOR,
      );
      done.push(...candidates);
      added.push(...written);
    } catch (error) {
      if (!isEngineError(error, 'conflict')) {
        throw error;
      }
      busy.push(...candidates);
    }
  };
  for (const candidate of dead) {
    await pace.step();
    await remove([candidate], []);
  }
  for (const candidates of together(context, sparse)) {
    const isKept = (view: PackView, position: number) =>
      walk.marks.isReached({ slot: (view as Candidate).slot, position });
    try {
      await remove(candidates, await rewritePacks(context, { views: candidates, isKept, pace }));
    } catch (error) {
      if (!isEngineError(error, 'resource_exhausted') && !isEngineError(error, 'conflict')) {
        throw error;
      }
      busy.push(...candidates);
    }
  }
  return { done, busy: amountOf(busy.map(({ pack }) => pack)), rewritten: amountOf(added) };
}

/** Gathers packs of one kind and one repo that are written anew together. */
function together({ journal }: PfsContext, sparse: readonly Candidate[]): Candidate[][] {
  const groups = new Map<string, { candidates: Candidate[]; bytes: number }[]>();
  for (const candidate of sparse) {
    const repo = journal.state.packs.get(candidate.pack.id)?.repos[0] ?? '';
    const key = `${candidate.pack.kind} ${repo}`;
    const lots = groups.get(key) ?? [];
    groups.set(key, lots);
    const lot = lots.at(-1);
    if (lot && lot.bytes + candidate.reached <= MAX_REWRITE_BYTES) {
      lot.candidates.push(candidate);
      lot.bytes += candidate.reached;
    } else {
      lots.push({ candidates: [candidate], bytes: candidate.reached });
    }
  }
  return [...groups.values()].flat().map(({ candidates }) => candidates);
}

function reachedPart({ reached }: Candidate): { bytes: number } {
  return { bytes: reached };
}

function keptOf(candidates: readonly Candidate[]): KeptPacks {
  const garbage = candidates.reduce((sum, one) => sum + one.pack.bytes - one.reached, 0);
  return { ...amountOf(candidates.map(({ pack }) => pack)), garbage };
}

function amountReached(marks: Marks): Amount {
  const bytes = marks.views.reduce((sum, _, slot) => sum + marks.reachedBytes(slot), 0);
  return { count: marks.views.reduce((sum, _, slot) => sum + marks.reachedCount(slot), 0), bytes };
}
