// Trying again, once for all stores. It relies on the port's promise that every call may be repeated after
// `unavailable`, and repeats on nothing else.

import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { type RetryPolicy, retry } from '../base/retry.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';

/** Seven waits of 50 ms to 3.2 s, about 5 s in all: longer than a server's restart of a connection, or a hiccup. */
export const STORE_RETRY_POLICY: RetryPolicy = { tries: 8, firstDelayMs: 50, maxDelayMs: 5000 };

export interface RetryingOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly policy?: RetryPolicy;
  /** Ends all waiting, when the engine stops. */
  readonly signal?: AbortSignal;
}

/** Hides short outages of the store below it. */
export class RetryingObjectStore implements ObjectStore {
  readonly url: string;
  readonly #store: ObjectStore;
  readonly #options: RetryingOptions;

  constructor(store: ObjectStore, options: RetryingOptions) {
    this.url = store.url;
    this.#store = store;
    this.#options = options;
  }

  get(key: string, options: GetOptions = {}): Promise<Buffer> {
    return this.#retry(() => this.#store.get(key, options), options.signal);
  }

  put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<void> {
    return this.#retry(() => this.#store.put(key, bytes, options), options.signal);
  }

  head(key: string): Promise<ObjectInfo> {
    return this.#retry(() => this.#store.head(key));
  }

  /** Goes on after the last key shown when a listing breaks off. The tries count anew from each key on. */
  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    let { startAfter } = options;
    let listing = this.#begin(prefix, startAfter);
    try {
      for (;;) {
        const next = await this.#retry(async () => {
          try {
            return await listing.next();
          } catch (error) {
            listing = this.#begin(prefix, startAfter);
            throw error;
          }
        });
        if (next.done) {
          return;
        }
        startAfter = next.value.key;
        yield next.value;
      }
    } finally {
      await listing.return?.();
    }
  }

  delete(key: string): Promise<void> {
    return this.#retry(() => this.#store.delete(key));
  }

  #begin(prefix: string, startAfter: string | undefined): AsyncIterator<ObjectInfo> {
    const options = startAfter === undefined ? {} : { startAfter };
    return this.#store.list(prefix, options)[Symbol.asyncIterator]();
  }

  #retry<T>(operation: () => Promise<T>, own?: AbortSignal): Promise<T> {
    const { clock, random, policy = STORE_RETRY_POLICY, signal: stop } = this.#options;
    const signal = own && stop ? AbortSignal.any([own, stop]) : (own ?? stop);
    return retry(operation, {
      clock,
      random,
      policy,
      isTransient: (error) => isEngineError(error, 'unavailable'),
      ...(signal ? { signal } : {}),
    });
  }
}
