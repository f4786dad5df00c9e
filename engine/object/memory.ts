// A bucket in this process's memory, for tests and experiments. It is the plainest reading of the port's contract.

import type { Clock } from '../base/clock.ts';
import { SystemClock } from '../base/system-clock.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';
import {
  absentError,
  beyondError,
  checkBytes,
  checkKey,
  checkPrefix,
  checkRange,
  checkSignal,
  equalsPieces,
  takenError,
} from './request-checks.ts';

interface MemoryObject {
  readonly bytes: Buffer;
  readonly modified: number;
}

/** Keeps objects in memory: durable as long as the process lives, and private to it. */
export class MemoryObjectStore implements ObjectStore {
  readonly url = 'memory:';
  readonly #clock: Clock;
  readonly #objects = new Map<string, MemoryObject>();
  #sortedKeys: readonly string[] | undefined;

  /** `clock` gives the times of change. */
  constructor(options: { clock?: Clock } = {}) {
    this.#clock = options.clock ?? new SystemClock();
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { range, signal } = options;
    checkSignal(signal);
    const { bytes } = this.#find(key);
    if (range === undefined) {
      return Buffer.from(bytes);
    }
    checkRange(range);
    if (range.end > bytes.length) {
      throw beyondError(key, this.url, range, { size: bytes.length });
    }
    return Buffer.from(bytes.subarray(range.start, range.end));
  }

  async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<void> {
    checkKey(key);
    checkSignal(options.signal);
    const { pieces, size } = checkBytes(bytes);
    const present = this.#objects.get(key);
    if (options.ifAbsent && present !== undefined) {
      if (equalsPieces(present.bytes, pieces)) {
        return;
      }
      throw takenError(key, this.url);
    }
    if (present === undefined) {
      this.#sortedKeys = undefined;
    }
    this.#objects.set(key, { bytes: Buffer.concat(pieces, size), modified: this.#clock.now() });
  }

  async head(key: string): Promise<ObjectInfo> {
    const { bytes, modified } = this.#find(key);
    return { key, size: bytes.length, modified };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    this.#sortedKeys ??= [...this.#objects.keys()].sort();
    const keys = this.#sortedKeys;
    const { startAfter = '' } = options;
    for (let i = firstAfter(keys, startAfter, prefix); i < keys.length; i++) {
      const key = keys[i] ?? '';
      if (!key.startsWith(prefix)) {
        return;
      }
      const object = this.#objects.get(key);
      if (object !== undefined) {
        yield { key, size: object.bytes.length, modified: object.modified };
      }
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    if (this.#objects.delete(key)) {
      this.#sortedKeys = undefined;
    }
  }

  #find(key: string): MemoryObject {
    checkKey(key);
    const object = this.#objects.get(key);
    if (object === undefined) {
      throw absentError(key, this.url);
    }
    return object;
  }
}

/** Returns the index of the first key that is greater than `startAfter` and not less than `prefix`. */
function firstAfter(keys: readonly string[], startAfter: string, prefix: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] ?? '';
    if (key > startAfter && key >= prefix) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
