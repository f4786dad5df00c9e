// One table of the state: keys to immutable JSON values, with secondary indexes, changed in place and undone in place.

import { EngineError } from '../base/errors.ts';
import { type IndexKeys, KeyIndex } from './key-index.ts';
import { SortedKeys } from './sorted-keys.ts';
import type { Undoable, UndoLog } from './undo-log.ts';

/**
 * A map from string keys to JSON values. Values are replaced and never mutated: snapshots, undo and watchers share
 * them. Whatever is iterated comes in ascending order of keys, so that a fold never depends on the order in which a
 * table was filled. Changing a table while iterating it is allowed: keys added behind the cursor are not visited.
 */
export class Table<V> implements Undoable {
  readonly name: string;
  readonly #log: UndoLog;
  readonly #map = new Map<string, V>();
  readonly #indexes = new Map<string, KeyIndex<V>>();
  #sorted: SortedKeys | undefined;

  constructor(name: string, log: UndoLog) {
    this.name = name;
    this.#log = log;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  set(key: string, value: V): void {
    const before = this.#map.get(key);
    this.#log.record(this, { key, before });
    this.#put(key, { before, value });
  }

  /** Removes `key` and says whether it was there. */
  delete(key: string): boolean {
    const before = this.#map.get(key);
    if (before === undefined) {
      return false;
    }
    this.#log.record(this, { key, before });
    this.#remove(key, before);
    return true;
  }

  *keys(): IterableIterator<string> {
    yield* this.#keysFrom('');
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) {
      yield value;
    }
  }

  entries(): IterableIterator<[string, V]> {
    return this.prefix('');
  }

  /** Iterates the entries whose keys start with `prefix`, in order, at the cost of what it yields. */
  *prefix(prefix: string): IterableIterator<[string, V]> {
    for (const key of this.#keysFrom(prefix)) {
      if (!key.startsWith(prefix)) {
        return;
      }
      const value = this.#map.get(key);
      if (value !== undefined) {
        yield [key, value];
      }
    }
  }

  /** Returns the least key, or undefined when the table is empty. */
  firstKey(): string | undefined {
    return this.#order().ceiling('');
  }

  /**
   * Adds a secondary index: `of` names the index key of an entry, or several, or undefined to leave it out. Define indexes
   * where the table is made. Returns the table.
   */
  index(name: string, of: (key: string, value: V) => IndexKeys): this {
    const index = new KeyIndex<V>({ of });
    for (const [key, value] of this.#map) {
      index.add(key, value);
    }
    this.#indexes.set(name, index);
    return this;
  }

  /**
   * Returns the keys of the entries that index `name` files under `indexKey`, in ascending order. The set is live
   * until the table changes; copy it before changing the table.
   */
  keysBy(name: string, indexKey: string): ReadonlySet<string> {
    const index = this.#indexes.get(name);
    if (!index) {
      throw new EngineError(
        'internal',
        `Cannot read index "${name}" of "${this.name}": no such index`,
      );
    }
    return index.keys(indexKey);
  }

  /** Returns the entries in no particular order, fast: what a snapshot takes. */
  copy(): [string, V][] {
    return [...this.#map];
  }

  /** Fills an entry from a snapshot, past the undo log. */
  load(key: string, value: V): void {
    this.#put(key, { before: this.#map.get(key), value });
  }

  restore(key: string, before: unknown): void {
    const now = this.#map.get(key);
    if (before !== undefined) {
      this.#put(key, { before: now, value: before as V });
    } else if (now !== undefined) {
      this.#remove(key, now);
    }
  }

  #put(key: string, change: { before: V | undefined; value: V }): void {
    const { before, value } = change;
    this.#map.set(key, value);
    for (const index of this.#indexes.values()) {
      index.replace(key, change);
    }
    if (before === undefined) {
      this.#sorted?.add(key);
    }
  }

  #remove(key: string, before: V): void {
    this.#map.delete(key);
    this.#sorted?.delete(key);
    for (const index of this.#indexes.values()) {
      index.remove(key, before);
    }
  }

  #order(): SortedKeys {
    this.#sorted ??= new SortedKeys(this.#map.keys());
    return this.#sorted;
  }

  *#keysFrom(from: string): IterableIterator<string> {
    const order = this.#order();
    const first = order.ceiling(from);
    if (first === undefined) {
      return;
    }
    yield first;
    let last = first;
    for (;;) {
      const chunk = order.chunkAfter(last);
      if (chunk.length === 0) {
        return;
      }
      for (const key of chunk) {
        last = key;
        if (this.#map.has(key)) {
          yield key;
        }
      }
    }
  }
}
