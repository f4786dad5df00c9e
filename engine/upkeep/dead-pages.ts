// Pages of history that merges of runs have left behind. Snapshots name pages, and no transaction does: so a page goes once
// all snapshots of the last while do without it. An engine that still reads in it finds the newer ones.

import { isEngineError } from '../base/errors.ts';
import { type RunRecord, readPageList } from '../journal/history-run.ts';
import { listSnapshots, readManifest } from '../journal/snapshot.ts';
import { pageGraceMs } from '../journal/snapshotter.ts';
import { HISTORY_PREFIX, historyKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Pace } from './pace.ts';
import { type Amount, amountOf, NONE } from './report.ts';

/** Deletes pages that no snapshot has named for a grace period; `now` is the store's time. */
export async function deletePages(
  context: PfsContext,
  options: {
    readonly graceMs: number;
    readonly now: number;
    readonly dryRun: boolean;
    readonly pace: Pace;
  },
): Promise<Amount> {
  const { graceMs, now, dryRun, pace } = options;
  const { store, journal } = context;
  const { complete, times } = await listSnapshots(store);
  const old = now - pageGraceMs(graceMs);
  const since = complete.findLast((seq) => (times.get(seq) ?? now) <= old);
  const named = since === undefined ? undefined : await pagesNamed(context, complete);
  if (since === undefined || named === undefined) {
    return NONE;
  }
  const dead: { key: string; bytes: number }[] = [];
  for await (const { key, size, modified } of store.list(HISTORY_PREFIX)) {
    await pace.step();
    // One that came later may be named by a snapshot in the making.
    if (modified < (times.get(since) ?? 0) && !named.has(key)) {
      dead.push({ key, bytes: size });
    }
  }
  if (dryRun || dead.length === 0) {
    return amountOf(dead);
  }
  await journal.transact(
    () => ({ operations: [{ kind: 'history.collected' as const, since }], result: null }),
    { actor: 'engine' },
  );
  for (const { key } of dead) {
    await pace.step();
    await store.delete(key);
  }
  return amountOf(dead);
}

/** Returns the keys of what snapshots and this engine need; undefined where that can't be read. */
async function pagesNamed(
  { store, journal }: PfsContext,
  complete: readonly number[],
): Promise<Set<string> | undefined> {
  try {
    const keys = new Set<string>();
    for (const seq of complete) {
      await addPages(store, (await readManifest(store, seq)).history, keys);
    }
    await addPages(store, journal.history.runs, keys);
    return keys;
  } catch (error) {
    if (isEngineError(error, 'corrupt') || isEngineError(error, 'not_found')) {
      return undefined;
    }
    throw error;
  }
}

/** Adds the keys of the objects that runs consist of. */
export async function addPages(
  store: ObjectStore,
  runs: readonly RunRecord[],
  keys: Set<string>,
): Promise<void> {
  for (const { pages } of runs) {
    if ('id' in pages) {
      keys.add(historyKey(pages.id));
    }
    for (const { id } of 'id' in pages ? await readPageList(store, pages) : pages) {
      keys.add(historyKey(id));
    }
  }
}
