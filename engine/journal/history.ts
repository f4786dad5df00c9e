// Finished records, in immutable sorted pages of the bucket. Memory holds where they are, not what they are.

import { EngineError } from '../base/errors.ts';
import type { ObjectStore } from '../object/object-store.ts';

/** Which records a scan yields, and in what order. */
export interface ScanOptions {
  /** Only keys that start with this. */
  readonly prefix: string;
  /** Start at this key (a whole one, prefix included): ascending scans at it or after, reverse ones at it or before. */
  readonly from?: string;
  /** Greatest key first. */
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** A record of history. */
export interface HistoryRecord<V = unknown> {
  readonly key: string;
  readonly value: V;
}

/** The finished records of a state: what `retire` moved out of memory. */
export class History {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Returns the record under `key`, or undefined. */
  get<V = unknown>(key: string): Promise<V | undefined> {
    return Promise.reject(
      new EngineError(
        'internal',
        `Cannot read "${key}" of ${this.#store.url}: history is not there yet`,
      ),
    );
  }

  /** Yields the records whose keys start with `prefix`, in order. */
  async *scan<V = unknown>(options: ScanOptions): AsyncIterable<HistoryRecord<V>> {
    yield* [];
    await this.get(options.prefix);
  }
}
