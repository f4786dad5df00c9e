// Views of a store: one that can't be written to, one that hides what can be made again, and a pack that is in memory.

import { EngineError } from '../base/errors.ts';
import { SNAPSHOTS_PREFIX } from '../object/keys.ts';
import type { GetOptions, ListOptions, ObjectInfo, ObjectStore } from '../object/object-store.ts';

/** A store that refuses to be changed. */
export class ReadOnlyStore implements ObjectStore {
  readonly url: string;
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.url = store.url;
    this.#store = store;
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    return this.#store.get(key, options);
  }

  head(key: string): Promise<ObjectInfo> {
    return this.#store.head(key);
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#store.list(prefix, options);
  }

  put(): Promise<void> {
    return refuse(this.url);
  }

  delete(): Promise<void> {
    return refuse(this.url);
  }
}

/** A store of which nobody sees the snapshots, so that all is folded from the first entry on. */
export class UnsnappedStore implements ObjectStore {
  readonly url: string;
  readonly #store: ObjectStore;
  readonly get: ObjectStore['get'];
  readonly put: ObjectStore['put'];
  readonly head: ObjectStore['head'];
  readonly delete: ObjectStore['delete'];

  constructor(store: ObjectStore) {
    this.url = store.url;
    this.#store = store;
    this.get = (...args) => store.get(...args);
    this.put = (...args) => store.put(...args);
    this.head = (...args) => store.head(...args);
    this.delete = (...args) => store.delete(...args);
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    for await (const info of this.#store.list(prefix, options)) {
      if (!info.key.startsWith(SNAPSHOTS_PREFIX)) {
        yield info;
      }
    }
  }
}

/** A store that has one object, in memory. */
export class OneObjectStore extends ReadOnlyStore {
  readonly #key: string;
  readonly #bytes: Buffer;

  constructor(store: ObjectStore, object: { readonly key: string; readonly bytes: Buffer }) {
    super(store);
    this.#key = object.key;
    this.#bytes = object.bytes;
  }

  override async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    if (key !== this.#key) {
      throw new EngineError('not_found', `Cannot read object "${key}": it is not at hand`);
    }
    const { start, end } = options.range ?? { start: 0, end: this.#bytes.length };
    if (end > this.#bytes.length) {
      throw new EngineError('corrupt', `Cannot read object "${key}": it is too short`);
    }
    return this.#bytes.subarray(start, end);
  }
}

function refuse(url: string): Promise<never> {
  return Promise.reject(
    new EngineError('internal', `Cannot write to ${url}: it is only being looked at`),
  );
}
