// How long to wait before a container that ended by itself is started again: ever longer, until it has run for a while.

const FIRST_MS = 1000;
const LAST_MS = 60_000;
/** What ran so long counts as sound. */
const SOUND_MS = 60_000;

/** One container's pauses. */
export class BackOff {
  #next = FIRST_MS;

  /** Returns the pause after a life that was good for `goodMs`. */
  pause(goodMs: number): number {
    if (goodMs >= SOUND_MS) {
      this.#next = FIRST_MS;
    }
    const pause = this.#next;
    this.#next = Math.min(pause * 2, LAST_MS);
    return pause;
  }
}
