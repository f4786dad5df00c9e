// What a worker has been given of the machine. What that means for others is for `Admission` to say.

import type { Room } from '../pipeline/resources.ts';

/** What one worker has been given; it goes back with {@link release}. */
export interface Lease {
  /** Whether to go on with the next piece of work; where false, release it and enter again. */
  readonly mayStay: boolean;
  /** What it is. */
  readonly need: Room;
  /** Gives a part of it back. */
  shrink(need: Room): void;
  release(): void;
}

/** What counts for how long. */
interface Held {
  readonly need: Room;
  readonly share: number;
  readonly since: number;
}

export class HeldLease implements Lease {
  readonly pipeline: string;
  readonly turnMs: number;
  /** As of `Demand`. */
  readonly isEndless: boolean;
  #held: Held;
  readonly #mayStay: (own: HeldLease) => boolean;
  readonly #shrink: (own: HeldLease, need: Room) => void;
  readonly #release: (own: HeldLease) => void;

  constructor(
    options: Held & {
      readonly pipeline: string;
      readonly turnMs: number;
      readonly isEndless: boolean;
      readonly mayStay: (own: HeldLease) => boolean;
      readonly shrink: (own: HeldLease, need: Room) => void;
      readonly release: (own: HeldLease) => void;
    },
  ) {
    this.pipeline = options.pipeline;
    this.turnMs = options.turnMs;
    this.isEndless = options.isEndless;
    this.#held = options;
    this.#mayStay = options.mayStay;
    this.#shrink = options.shrink;
    this.#release = options.release;
  }

  get need(): Room {
    return this.#held.need;
  }

  get share(): number {
    return this.#held.share;
  }

  get since(): number {
    return this.#held.since;
  }

  get mayStay(): boolean {
    return this.#mayStay(this);
  }

  /** For {@link Admission} alone, which counts what there was until then. */
  become(held: Held): void {
    this.#held = held;
  }

  shrink(need: Room): void {
    this.#shrink(this, need);
  }

  release(): void {
    this.#release(this);
  }
}
