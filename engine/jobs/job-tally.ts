// What has come of the datums of a job, as far as its counts, its output and its end depend on it.

import type { Datum } from '../pipeline/datum-identity.ts';
import type { DatumResult } from './datum-result.ts';
import type { JobEnd } from './job-end.ts';
import type { JobOutputs } from './job-outputs.ts';
import type { JobProgress } from './job-progress.ts';
import { verdictOf } from './job-verdict.ts';

/** Keeps the books of one job. */
export class JobTally {
  readonly #progress: JobProgress;
  readonly #outputs: JobOutputs;
  #failure: { readonly datum: Datum; readonly reason: string } | undefined;
  #baseTotal = 0;
  #new = 0;
  #taken = 0;
  #gone = 0;

  constructor(parts: { readonly progress: JobProgress; readonly outputs: JobOutputs }) {
    this.#progress = parts.progress;
    this.#outputs = parts.outputs;
  }

  /** Says how many datums the job has to begin with: those of the job that it starts from. */
  startFrom(total: number): void {
    this.#baseTotal = total;
  }

  /** Counts a datum that is there no more, or no longer as it was. */
  lose(): void {
    this.#gone += 1;
  }

  /** Counts a datum that is new or changed. */
  find(): void {
    this.#new += 1;
  }

  /** Counts a datum whose result an earlier job made. */
  takeOver(datum: Datum, output: string | null): void {
    this.#taken += 1;
    this.#outputs.add({ datum, tree: output });
  }

  /** Takes what came of a datum into account. One that was recovered has no part in output or end. */
  note(
    datum: Datum,
    { state, output, reason }: Pick<DatumResult, 'state' | 'output' | 'reason'>,
  ): void {
    if (state === 'success') {
      this.#outputs.add({ datum, tree: output });
    } else if (state === 'failed') {
      this.#failure ??= { datum, reason };
    }
  }

  /** Says how many datums there are, as far as it is known. */
  count(): void {
    const { counts } = this.#progress;
    const kept = this.#baseTotal - this.#gone;
    counts.total = kept + this.#new;
    counts.skipped = kept + this.#taken;
  }

  /** Returns how the job ends, once all its datums are done. */
  verdict(): JobEnd {
    return verdictOf(this.#progress.counts, this.#failure);
  }
}
