// A clock for tests in which time passes only when the test says so, and sleepers wake in order.

import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../engine/base/clock.ts';
import { EngineError } from '../../engine/base/errors.ts';

export class ManualClock implements Clock {
  #time = 1_700_000_000_000;
  #sleepers: { until: number; wake: () => void }[] = [];

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  now(): number {
    // Sleeps may be of any length; the time of day is of whole milliseconds.
    return Math.floor(this.#time);
  }

  monotonic(): number {
    return this.#time;
  }

  sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#time + ms, wake: resolve };
      const cancel = () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        reject(new EngineError('cancelled', 'Cannot wait any longer: the work was cancelled'));
      };
      if (signal?.aborted) {
        cancel();
        return;
      }
      signal?.addEventListener('abort', cancel, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Lets `ms` pass, waking sleepers in the order of their times, and what they start. */
  async pass(ms: number): Promise<void> {
    const end = this.#time + ms;
    for (;;) {
      await setImmediate();
      const [next] = this.#sleepers.sort((a, b) => a.until - b.until);
      if (!next || next.until > end) {
        break;
      }
      this.#sleepers.shift();
      this.#time = next.until;
      next.wake();
    }
    this.#time = end;
    await setImmediate();
  }
}
