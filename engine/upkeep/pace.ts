// The pace of work in the background: it leaves room for what users wait for, and ends when the engine does.

import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';

/** How long the work may go on before it rests or lets others have a turn, in milliseconds. */
const TURN_MS = 20;

export interface PaceOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** The part of the time in which it works; 1 (all of it) where not named. */
  readonly share?: number;
}

/** Asked between small pieces of work. */
export class Pace {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #share: number;
  #since: number;

  constructor(options: PaceOptions) {
    this.#clock = options.clock;
    this.#signal = options.signal;
    this.#share = options.share ?? 1;
    this.#since = options.clock.monotonic();
  }

  /** Resolves when the work may go on; rejects with `cancelled` once it must end. */
  async step(): Promise<void> {
    if (this.#signal?.aborted) {
      throw new EngineError('cancelled', 'Cannot go on with upkeep: the engine ends');
    }
    const worked = this.#clock.monotonic() - this.#since;
    if (worked < TURN_MS) {
      return;
    }
    const rest = worked * (1 / this.#share - 1);
    if (rest >= 1) {
      await this.#clock.sleep(rest, this.#signal ? { signal: this.#signal } : {});
    } else {
      await setImmediate();
    }
    this.#since = this.#clock.monotonic();
  }
}
