// What tests of packs need: a store, the live packs in it, and the way to write more.

import { ByteBudget } from '../../../engine/base/byte-budget.ts';
import { IdMaker } from '../../../engine/base/ids.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { ObjectStore } from '../../../engine/object/object-store.ts';
import { PackCache } from '../../../engine/object/pack-cache.ts';
import type { NewPack } from '../../../engine/object/pack-ref.ts';
import { PackSet } from '../../../engine/object/pack-set.ts';
import { PackUploader } from '../../../engine/object/pack-uploader.ts';
import { chosenSeed } from '../../support/seed.ts';

/** Returns a seed, from `PFS_SEED` where set, and prints it so that a failure can be repeated. */
export function newSeed(): number {
  const seed = chosenSeed();
  console.log(`seed: PFS_SEED=${seed}`);
  return seed;
}

export interface Rig {
  readonly store: ObjectStore;
  readonly cache: PackCache;
  readonly live: PackSet;
  readonly budget: ByteBudget;
  readonly uploader: PackUploader;
  /** Makes packs live, as a transaction would. */
  publish(written: { packs: readonly NewPack[] }): void;
  /** Returns the packs made live so far, as an engine that opens the store anew would see them. */
  reopened(): PackSet;
}

export function newRig(
  options: { store?: ObjectStore; budgetBytes?: number; seed?: number } = {},
): Rig {
  const store = options.store ?? new MemoryObjectStore();
  const ids = new IdMaker(new SystemClock(), new SeededRandom(options.seed ?? 1));
  const budget = new ByteBudget(options.budgetBytes ?? 192 * 1024 * 1024);
  const cache = new PackCache(store);
  const live = new PackSet(cache);
  const published: NewPack[] = [];
  return {
    store,
    cache,
    live,
    budget,
    uploader: new PackUploader(store, { ids, budget }),
    publish({ packs }) {
      for (const pack of packs) {
        live.add(pack, pack.index);
        published.push(pack);
      }
    },
    reopened() {
      const set = new PackSet(new PackCache(store));
      for (const { id, kind, bytes, objects } of published) {
        set.add({ id, kind, bytes, objects });
      }
      return set;
    },
  };
}
