// How long to wait before a container that ended by itself is started again: ever longer, until it has run for a while.

import type { Clock } from '../base/clock.ts';

const FIRST_MS = 1000;
const LAST_MS = 60_000;
/** What ran so long counts as sound. */
const SOUND_MS = 60_000;

/** The pauses of one container, or of one piece of work that is tried again and again. */
export class BackOff {
  #next = FIRST_MS;
  #resumed: number | undefined;

  /** Returns the pause after a life that was good for `goodMs`. */
  pause(goodMs: number): number {
    if (goodMs >= SOUND_MS) {
      this.#next = FIRST_MS;
    }
    const pause = this.#next;
    this.#next = Math.min(pause * 2, LAST_MS);
    return pause;
  }

  /** Returns the pause after work that has been good since the pause before was over. */
  pauseOf(clock: Pick<Clock, 'monotonic'>): number {
    const now = clock.monotonic();
    const pause = this.pause(this.#resumed === undefined ? 0 : now - this.#resumed);
    this.#resumed = now + pause;
    return pause;
  }
}
