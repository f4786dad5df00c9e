// What goes to and fro between the engine and its store, told to whoever measures. It changes nothing.

import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';

/** One request to the store. */
export interface StoreOperation {
  readonly kind: 'get' | 'put' | 'head' | 'list' | 'delete';
  /** `ok`, or the code of the error; `error` where it is none of ours. */
  readonly outcome: string;
  readonly seconds: number;
  /** Of contents: read by a get, written by a put. */
  readonly bytes: number;
}

/** Tells of every request to the store below it. */
export class MeasuringObjectStore implements ObjectStore {
  readonly url: string;
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #onOperation: (operation: StoreOperation) => void;

  constructor(
    store: ObjectStore,
    options: { readonly clock: Clock; onOperation(operation: StoreOperation): void },
  ) {
    this.url = store.url;
    this.#store = store;
    this.#clock = options.clock;
    this.#onOperation = (operation) => options.onOperation(operation);
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    return this.#measure(
      'get',
      () => this.#store.get(key, options),
      (bytes) => bytes.length,
    );
  }

  put(key: string, bytes: Uint8Array | readonly Uint8Array[], options?: PutOptions): Promise<void> {
    const pieces = bytes instanceof Uint8Array ? [bytes] : bytes;
    // Before the call: what is written may be let go of while it is still under way.
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return this.#measure(
      'put',
      () => this.#store.put(key, bytes, options),
      () => size,
    );
  }

  head(key: string): Promise<ObjectInfo> {
    return this.#measure('head', () => this.#store.head(key));
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    const started = this.#clock.monotonic();
    let outcome = 'ok';
    try {
      yield* this.#store.list(prefix, options);
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      const seconds = (this.#clock.monotonic() - started) / 1000;
      this.#onOperation({ kind: 'list', outcome, seconds, bytes: 0 });
    }
  }

  delete(key: string): Promise<void> {
    return this.#measure('delete', () => this.#store.delete(key));
  }

  async #measure<T>(
    kind: StoreOperation['kind'],
    work: () => Promise<T>,
    sizeOf: (result: T) => number = () => 0,
  ): Promise<T> {
    const started = this.#clock.monotonic();
    let outcome = 'ok';
    let bytes = 0;
    try {
      const result = await work();
      bytes = sizeOf(result);
      return result;
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      this.#onOperation({
        kind,
        outcome,
        seconds: (this.#clock.monotonic() - started) / 1000,
        bytes,
      });
    }
  }
}

function outcomeOf(error: unknown): string {
  return isEngineError(error) ? error.code : 'error';
}
