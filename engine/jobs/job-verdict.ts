// How a job ends, from what came of its datums.

import type { DatumCounts } from '../journal/records.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import type { JobEnd } from './job-end.ts';
import { describeDatum } from './output-writers.ts';

/** Returns the end of a job all of whose datums had their tries; `first` is the first that failed. */
export function verdictOf(
  counts: DatumCounts,
  first: { readonly datum: Datum; readonly reason: string } | undefined,
): JobEnd {
  if (first === undefined) {
    const none = counts.total === 0;
    return { state: 'success', reason: none ? 'there were no datums to process' : '' };
  }
  const others = counts.failed - 1;
  const more = others > 0 ? ` (and ${others} more)` : '';
  return {
    state: 'failure',
    reason: `datum ${describeDatum(first.datum)} failed${more}: ${first.reason}`,
  };
}
