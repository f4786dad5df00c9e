// What tests of upkeep need: engines on one store in memory, on a clock that the test holds.

import { pageGraceMs } from '../../../engine/journal/snapshotter.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { ObjectStore } from '../../../engine/object/object-store.ts';
import { collect } from '../../../engine/upkeep/collector.ts';
import { Compactor } from '../../../engine/upkeep/compactor.ts';
import type { LinkMemory } from '../../../engine/upkeep/link-memory.ts';
import { Pace } from '../../../engine/upkeep/pace.ts';
import type { CollectReport } from '../../../engine/upkeep/report.ts';
import { InstantClock } from '../../support/instant-clock.ts';
import { openTestPfs, type Pfs } from '../../support/pfs.ts';

export const HOUR = 60 * 60 * 1000;
export const GRACE = 24 * HOUR;

type Test = { after(close: () => Promise<void>): void };

export interface UpkeepRig {
  readonly clock: InstantClock;
  readonly store: MemoryObjectStore;
  readonly pfs: Pfs;
  /** Opens another engine on the store, or on a store before it. */
  open(store?: ObjectStore): Promise<Pfs>;
  /** Lets time pass on all clocks. */
  pass(ms: number): void;
}

export async function newUpkeepRig(t: Test): Promise<UpkeepRig> {
  const clock = new InstantClock();
  const store = new MemoryObjectStore({ clock });
  const snapshots = { keepMs: pageGraceMs(GRACE) };
  const open = (other: ObjectStore = store) => openTestPfs({ t, store: other, clock, snapshots });
  return { clock, store, pfs: await open(), open, pass: (ms) => clock.advance(ms) };
}

export async function collectOn(
  pfs: Pfs,
  options: {
    readonly dryRun?: boolean;
    readonly graceMs?: number;
    readonly memory?: LinkMemory;
  } = {},
): Promise<CollectReport> {
  const { dryRun = false, graceMs = GRACE, memory } = options;
  return await collect(pfs.context, {
    graceMs,
    dryRun,
    pace: new Pace({ clock: pfs.context.clock }),
    ...(memory ? { memory } : {}),
  });
}

export async function compactOn(pfs: Pfs, minPacks = 2): Promise<void> {
  const compactor = new Compactor(pfs.context, {
    onProblem: (error) => {
      throw error;
    },
  });
  await compactor.compact({ minPacks, pace: new Pace({ clock: pfs.context.clock }) });
}

/** Lists the keys of a store below a prefix. */
export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) {
    keys.push(key);
  }
  return keys;
}
