// Which datums of a job must run: those that changed since the job it starts from and that no earlier job has done.

import { EngineError } from '../base/errors.ts';
import type { JobRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { changesFrom, type JobBase } from './job-base.ts';
import type { JobInputs } from './job-inputs.ts';
import type { JobOutputs } from './job-outputs.ts';
import type { JobProgress } from './job-progress.ts';
import type { JobTally } from './job-tally.ts';
import { findResult } from './results.ts';
import { committedContents } from './session-writer.ts';

export interface TodoOptions {
  readonly job: JobRecord;
  readonly inputs: JobInputs;
  readonly base: JobBase | undefined;
  /** The tree of the results of earlier jobs. */
  readonly earlier: string | null;
  readonly progress: JobProgress;
  readonly outputs: JobOutputs;
  readonly tally: JobTally;
  readonly signal: AbortSignal;
}

/** Yields the datums that must run, as they are found; takes the stored results of all others into account. */
export async function* datumsToRun(
  context: PfsContext,
  options: TodoOptions,
): AsyncGenerator<Datum> {
  const { job, inputs, base, progress, outputs, tally, signal } = options;
  const contents = committedContents(context);
  const { id, results } = job;
  const everyJob = inputs.spec.reprocess_spec === 'every_job';
  tally.startFrom(base?.total ?? 0);
  for await (const { kind, datum } of changesFrom(context, base, inputs)) {
    if (signal.aborted) {
      throw new EngineError('cancelled', 'Cannot go on with the job: it was stopped');
    }
    if (outputs.isFull) {
      await progress.flush('running');
    }
    const { hash } = datum;
    const own = await findResult(contents, { tree: results, hash });
    const earlier = own ?? (await findResult(contents, { tree: options.earlier, hash }));
    if (kind !== 'added') {
      tally.lose();
    }
    if (kind === 'removed') {
      outputs.remove(earlier?.output ?? null);
      continue;
    }
    tally.find();
    const result = everyJob ? own : earlier;
    if (result?.state === 'success' && result.job !== id) {
      tally.takeOver(datum, result.output);
    } else if (result?.state === 'success') {
      progress.count(result);
      tally.note(datum, result);
    } else if (own?.state === 'failed' || own?.state === 'recovered') {
      // It had all its tries before the engine was cut off.
      progress.count(own);
      tally.note(datum, own);
    } else {
      tally.count();
      yield datum;
    }
  }
  tally.count();
}
