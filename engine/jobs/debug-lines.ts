// What `transform.debug` adds to the log of a datum.

import type { Datum } from '../pipeline/datum-identity.ts';
import type { DatumOutcome } from './datum-task.ts';
import { describeDatum } from './output-writers.ts';

/** Says that a worker begins with a datum. */
export function beginLine(datum: Datum, worker: string): Buffer {
  const bytes = datum.inputs.reduce((sum, { size }) => sum + size, 0);
  return line(`datum ${describeDatum(datum)} begins on worker ${worker}: ${bytes} bytes of input`);
}

/** Says how it ended. */
export function endLine({ state, exitCode, tries, stats }: DatumOutcome): Buffer {
  const [fetch, run, store] = [stats.downloadMs, stats.processMs, stats.uploadMs].map(Math.round);
  return line(
    `datum ended: ${state}, exit code ${exitCode ?? 'none'}, ${tries} ${tries === 1 ? 'attempt' : 'attempts'}; ${fetch} ms to fetch, ${run} ms to run, ${store} ms to store ${stats.uploadBytes} bytes`,
  );
}

function line(text: string): Buffer {
  return Buffer.from(`pfs: ${text}\n`);
}
