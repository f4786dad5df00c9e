// A local cache before a distant store. Only for keys whose bytes never change; it never remembers that something is
// absent, and no trouble of its own ever fails a read.

import { mkdir } from 'node:fs/promises';
import { CacheCounts } from '../base/cache-counts.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { CacheDirectory } from './cache-directory.ts';
import { filesystemError } from './filesystem-error.ts';
import type {
  ByteRange,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';
import { beyondError, checkKey, checkRange, checkSignal } from './request-checks.ts';

const DEFAULT_MIN_FREE_BYTES = 1024 * 1024 * 1024;

export interface CachingOptions {
  /** A local directory for this store alone; made when it is missing. Several engines may share it. */
  readonly directory: string;
  readonly maxBytes: number;
  /** Says which keys never change: `isCacheableKey`. */
  readonly isCacheable: (key: string) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** The space that is always left on the disk, in bytes. 1 GiB by default. */
  readonly minFreeBytes?: number;
  /** Hears of trouble with the cache, which no read sees: a full disk, a directory without permission. */
  readonly onProblem?: (error: unknown) => void;
}

/** Serves whole objects, and ranges of them, from the local disk once they were read whole. */
export class CachingObjectStore implements ObjectStore {
  readonly counts = new CacheCounts();
  readonly url: string;
  readonly #store: ObjectStore;
  readonly #options: CachingOptions;
  readonly #cache: CacheDirectory;
  readonly #reading = new Map<string, Promise<Buffer>>();

  private constructor(store: ObjectStore, options: CachingOptions) {
    this.url = store.url;
    this.#store = store;
    this.#options = options;
    const { maxBytes, clock, random, minFreeBytes = DEFAULT_MIN_FREE_BYTES } = options;
    this.#cache = new CacheDirectory(options.directory, { maxBytes, minFreeBytes, clock, random });
  }

  /** Opens the cache, with all that earlier runs left in it. */
  static async open(store: ObjectStore, options: CachingOptions): Promise<CachingObjectStore> {
    try {
      await mkdir(options.directory, { recursive: true });
    } catch (error) {
      throw filesystemError(error, `Cannot open cache "${options.directory}"`);
    }
    return new CachingObjectStore(store, options);
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { range, signal } = options;
    if (!this.#options.isCacheable(key)) {
      return this.#store.get(key, options);
    }
    if (options.fresh) {
      await this.#try(() => this.#cache.remove(key));
      return this.#store.get(key, options);
    }
    checkKey(key);
    checkSignal(signal);
    if (range !== undefined) {
      checkRange(range);
    }
    return range === undefined
      ? this.#getWhole(key, options)
      : this.#getRange(key, { ...options, range });
  }

  async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<void> {
    await this.#store.put(key, bytes, options);
    if (!options.ifAbsent && this.#options.isCacheable(key)) {
      await this.#try(() => this.#cache.remove(key));
    }
  }

  head(key: string): Promise<ObjectInfo> {
    return this.#store.head(key);
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    return this.#store.list(prefix, options);
  }

  async delete(key: string): Promise<void> {
    await this.#store.delete(key);
    if (this.#options.isCacheable(key)) {
      await this.#try(() => this.#cache.remove(key));
    }
  }

  async #getRange(key: string, options: GetOptions & { range: ByteRange }): Promise<Buffer> {
    const { range } = options;
    const cached = await this.#try(() => this.#cache.read(key, range));
    this.counts.count(cached !== undefined);
    if (cached === undefined) {
      return this.#store.get(key, options);
    }
    if (cached.bytes === undefined) {
      throw beyondError(key, this.url, range, { size: cached.size });
    }
    return cached.bytes;
  }

  /** Reads of one object at the same time are one read. */
  async #getWhole(key: string, options: GetOptions): Promise<Buffer> {
    const running = this.#reading.get(key);
    if (running !== undefined) {
      // The other caller may have given up, or failed for good: then this one tries for itself.
      const shared = await running.catch(() => undefined);
      checkSignal(options.signal);
      return shared === undefined ? this.#store.get(key, options) : Buffer.from(shared);
    }
    const reading = this.#readWhole(key, options);
    this.#reading.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(key);
    }
  }

  async #readWhole(key: string, options: GetOptions): Promise<Buffer> {
    const cached = await this.#try(() => this.#cache.read(key));
    this.counts.count(cached !== undefined);
    if (cached?.bytes !== undefined) {
      return cached.bytes;
    }
    const bytes = await this.#store.get(key, options);
    await this.#try(() => this.#cache.add(key, bytes));
    return bytes;
  }

  async #try<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#options.onProblem?.(error);
      return undefined;
    }
  }
}
