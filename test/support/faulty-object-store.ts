// A store that misbehaves as networks do, by chance from a seed: for tests of whatever must survive that.

import { EngineError } from '../../engine/base/errors.ts';
import type { Random } from '../../engine/base/random.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from '../../engine/object/object-store.ts';

/** How likely each fault is, from 0 to 1. What is not given never happens. */
export interface Faults {
  /** The call fails and nothing was done. */
  readonly before?: number;
  /** All was done, but the answer is lost. */
  readonly after?: number;
  /** A listing breaks off. */
  readonly cut?: number;
  /** The call lets others go first, a few turns of the event loop. */
  readonly delay?: number;
}

/** Fails calls to the store below it with `unavailable`, before or after they were done, and counts them. */
export class FaultyObjectStore implements ObjectStore {
  readonly url: string;
  /** How often each call was made, failed ones included. */
  readonly calls = { get: 0, put: 0, head: 0, list: 0, delete: 0 };
  /** How many faults there were. */
  faults = 0;
  readonly #store: ObjectStore;
  readonly #random: Random;
  readonly #rates: Faults;

  constructor(store: ObjectStore, options: { random: Random; faults?: Faults }) {
    this.url = store.url;
    this.#store = store;
    this.#random = options.random;
    this.#rates = options.faults ?? {};
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    this.calls.get += 1;
    return this.#run(() => this.#store.get(key, options));
  }

  put(key: string, bytes: Uint8Array | readonly Uint8Array[], options?: PutOptions): Promise<void> {
    this.calls.put += 1;
    return this.#run(() => this.#store.put(key, bytes, options));
  }

  head(key: string): Promise<ObjectInfo> {
    this.calls.head += 1;
    return this.#run(() => this.#store.head(key));
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    this.calls.list += 1;
    this.#fail('before');
    for await (const info of this.#store.list(prefix, options)) {
      yield info;
      this.#fail('cut');
    }
  }

  delete(key: string): Promise<void> {
    this.calls.delete += 1;
    return this.#run(() => this.#store.delete(key));
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    for (
      let turns = this.#happens('delay') ? 1 + Math.floor(this.#random.fraction() * 5) : 0;
      turns > 0;
      turns--
    ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#fail('before');
    const result = await call();
    this.#fail('after');
    return result;
  }

  #fail(fault: keyof Faults): void {
    if (this.#happens(fault)) {
      this.faults += 1;
      throw new EngineError('unavailable', `Cannot reach ${this.url}: made to fail (${fault})`);
    }
  }

  #happens(fault: keyof Faults): boolean {
    return this.#random.fraction() < (this.#rates[fault] ?? 0);
  }
}
