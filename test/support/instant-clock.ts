// A clock for tests: time passes only when somebody sleeps or the test says so, and sleeping takes no time.

import type { Clock } from '../../engine/base/clock.ts';
import { EngineError } from '../../engine/base/errors.ts';

export class InstantClock implements Clock {
  /** How long each sleep was, in order. */
  readonly sleeps: number[] = [];
  #time: number;

  constructor(time = 1_700_000_000_000) {
    this.#time = time;
  }

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#time += ms;
  }

  async sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    if (options.signal?.aborted) {
      throw new EngineError('cancelled', 'Cannot wait any longer: the work was cancelled');
    }
    this.sleeps.push(ms);
    this.advance(ms);
  }
}
