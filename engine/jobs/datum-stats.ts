// How long the parts of a datum's processing take, and how much they move.

import type { Clock } from '../base/clock.ts';
import type { JobStats } from '../journal/records.ts';

/** What is counted while a datum is processed. */
export type DatumStats = { -readonly [K in keyof JobStats]: JobStats[K] };

export function noStats(): DatumStats {
  return { downloadBytes: 0, uploadBytes: 0, downloadMs: 0, processMs: 0, uploadMs: 0 };
}

/** Adds how long `work` takes, however it ends. */
export async function timed<T>(
  work: () => Promise<T>,
  to: {
    readonly clock: Clock;
    readonly stats: DatumStats;
    readonly key: 'downloadMs' | 'processMs' | 'uploadMs';
  },
): Promise<T> {
  const { clock, stats, key } = to;
  const start = clock.monotonic();
  try {
    return await work();
  } finally {
    stats[key] += clock.monotonic() - start;
  }
}
