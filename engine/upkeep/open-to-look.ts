// A store opened to look at it, by what checks it, mirrors it or repairs another one from it.

import { ByteBudget } from '../base/byte-budget.ts';
import type { Clock } from '../base/clock.ts';
import { IdMaker } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PfsContext } from '../pfs/context.ts';
import { openPfs } from '../pfs/open.ts';
import { ReadOnlyStore } from './views.ts';

/** Opens a store to look at it: nothing is written to it. */
export function openToLook(
  store: ObjectStore,
  options: { readonly clock: Clock; readonly random: Random; readonly onProblem?: () => void },
): Promise<PfsContext> {
  const { clock, random, onProblem = () => undefined } = options;
  const never = Number.POSITIVE_INFINITY;
  return openPfs({
    store: new ReadOnlyStore(store),
    clock,
    random,
    ids: new IdMaker(clock, random),
    budget: new ByteBudget(1024 * 1024),
    engine: '',
    snapshots: { entries: never, bytes: never },
    onProblem,
  });
}
