// Deployments that have been replaced: each ends once what is under way in it is done, or has had its time.

import type { Deployment } from './deployment.ts';

/** How long a replaced container has to end by itself once it was told to. */
const GRACE_MS = 10_000;

export interface RetirementOptions {
  /** Aborts when somebody waits for the end of all of it. */
  readonly signal: AbortSignal;
  /** How long a container has to end by itself from then on. */
  readonly closeGraceMs: number;
  readonly onProblem: (error: unknown) => void;
}

/** The deployments of one service that are ending. */
export class Retirement {
  readonly #options: RetirementOptions;
  readonly #retiring = new Set<Promise<void>>();

  constructor(options: RetirementOptions) {
    this.#options = options;
  }

  /** Ends a deployment; new requests must not be led to it any more. */
  add(old: Deployment): void {
    const { onProblem } = this.#options;
    const retiring = this.#retire(old)
      .catch(onProblem)
      .finally(() => this.#retiring.delete(retiring));
    this.#retiring.add(retiring);
  }

  /** Resolves when nothing is left of all that were added. */
  async over(): Promise<void> {
    await Promise.all(this.#retiring);
  }

  async #retire(old: Deployment): Promise<void> {
    const { signal, closeGraceMs } = this.#options;
    await old.drained(signal);
    await old.close(signal.aborted ? closeGraceMs : GRACE_MS);
  }
}
