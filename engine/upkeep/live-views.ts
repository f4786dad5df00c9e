// The live packs with their indexes, as of one moment.

import type { PfsContext } from '../pfs/context.ts';
import type { PackView } from './pack-view.ts';

/**
 * Calls `take` with the live packs and their indexes, in one step with the state that they are live in, and returns what it
 * returns.
 */
export async function liveViews<T>(
  { packs, journal }: PfsContext,
  take: (views: PackView[]) => T,
): Promise<T> {
  for (;;) {
    const views = [...(await packs.indexes('git')), ...(await packs.indexes('chunk'))];
    const { state } = journal;
    if (views.length === state.packs.size && views.every(({ pack }) => state.packs.has(pack.id))) {
      return take(views);
    }
  }
}
