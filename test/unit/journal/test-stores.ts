// Stores for the journal's tests: one that fails, loses answers and counts, around any other.

import type { Clock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/base/errors.ts';
import type { Random } from '../../../engine/base/random.ts';
import type {
  GetOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from '../../../engine/object/object-store.ts';

export interface Faults {
  /** Chance that an operation fails before it does anything. */
  readonly before?: number;
  /** Chance that a put is done and its answer lost. */
  readonly lost?: number;
}

/** Counts and delays operations, and makes some fail by chance or by `failNext`. */
export class TestStore implements ObjectStore {
  readonly url = 'test:';
  readonly puts: string[] = [];
  readonly gets: string[] = [];
  faults: Faults = {};
  /** Called before each put; may wait, or throw in place of the put. */
  beforePut: (key: string) => Promise<void> | void = () => undefined;
  /** Called after each put that was done; may throw in place of the answer. */
  afterPut: (key: string) => Promise<void> | void = () => undefined;
  readonly #store: ObjectStore;
  readonly #random: Random | undefined;

  constructor(store: ObjectStore, random?: Random) {
    this.#store = store;
    this.#random = random;
  }

  async get(key: string, options?: GetOptions): Promise<Buffer> {
    this.gets.push(key);
    await this.#before();
    return await this.#store.get(key, options);
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<void> {
    this.puts.push(key);
    await this.#before();
    await this.beforePut(key);
    await this.#store.put(key, bytes, options);
    await this.afterPut(key);
    if (this.#chance(this.faults.lost)) {
      throw unavailable('the answer was lost');
    }
  }

  async head(key: string): Promise<ObjectInfo> {
    await this.#before();
    return await this.#store.head(key);
  }

  list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectInfo> {
    return this.#store.list(prefix, options);
  }

  delete(key: string): Promise<void> {
    return this.#store.delete(key);
  }

  async #before(): Promise<void> {
    await new Promise(setImmediate);
    if (this.#chance(this.faults.before)) {
      throw unavailable('the store did not answer');
    }
  }

  #chance(probability = 0): boolean {
    return probability > 0 && (this.#random?.fraction() ?? 1) < probability;
  }
}

export function unavailable(message: string): EngineError {
  return new EngineError('unavailable', message);
}

/** A clock on which waiting takes one turn of the event loop. */
export class FastClock implements Clock {
  #now = 1_700_000_000_000;

  now(): number {
    this.#now += 1;
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  async sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    await new Promise(setImmediate);
    this.#now += ms;
    if (options.signal?.aborted) {
      throw new EngineError('cancelled', 'Cannot wait any longer');
    }
  }
}
