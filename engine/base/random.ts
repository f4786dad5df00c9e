// The only door through which chance comes into the engine.

import { randomBytes } from 'node:crypto';

/** Chance as a port, so that tests and simulations can replay it from a seed. */
export interface Random {
  /** Returns `count` random bytes. */
  bytes(count: number): Buffer;
  /** Returns a number in [0, 1). */
  fraction(): number;
}

const POOL_BYTES = 4096;
/** What is longer may be a secret, of which no copy is kept anywhere. */
const SMALL_BYTES = 16;

/** Randomness fit for ids and secrets, from the operating system. */
export class SystemRandom implements Random {
  /** Asking the system costs more than what is asked for. */
  #pool = Buffer.alloc(0);

  bytes(count: number): Buffer {
    if (count > SMALL_BYTES) {
      return randomBytes(count);
    }
    if (this.#pool.length < count) {
      this.#pool = randomBytes(POOL_BYTES);
    }
    const bytes = Buffer.from(this.#pool.subarray(0, count));
    this.#pool = this.#pool.subarray(count);
    return bytes;
  }

  fraction(): number {
    return this.bytes(4).readUInt32BE(0) / 2 ** 32;
  }
}

/** A reproducible sequence from a seed (mulberry32). For tests, simulations and jitter; never for secrets. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let i = 0; i < count; i++) {
      bytes[i] = Math.floor(this.fraction() * 256);
    }
    return bytes;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
}
