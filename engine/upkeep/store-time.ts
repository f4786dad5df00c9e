// What time it is by the store's own clock, and what was before. The age of things is told by the store alone.

import { EngineError } from '../base/errors.ts';
import { journalKey, probeKey } from '../object/keys.ts';
import type { PfsContext } from '../pfs/context.ts';

const MAX_SKEW_MS = 60_000;

/**
 * Returns the store's time, in milliseconds since the Unix epoch. Rejects with `failed_precondition` where this machine's
 * clock says something else by more than a minute: one of them is wrong, and nobody knows which.
 */
export async function storeTime(context: PfsContext): Promise<number> {
  const { store, ids, clock } = context;
  const key = probeKey(ids.next(), 'time');
  await store.put(key, Buffer.from('time'));
  try {
    const { modified } = await store.head(key);
    const skew = modified - clock.now();
    if (Math.abs(skew) > MAX_SKEW_MS) {
      throw new EngineError(
        'failed_precondition',
        `Cannot collect: the clock of the store is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's; set both, then try again`,
      );
    }
    return modified;
  } finally {
    await store.delete(key);
  }
}

/** Returns the number of the newest journal entry that the store has had since before `time`; 0 when it has none. */
export async function lastEntryBefore(context: PfsContext, time: number): Promise<number> {
  let low = 0;
  let high = context.journal.seq;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const { modified } = await context.store.head(journalKey(middle));
    if (modified <= time) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
