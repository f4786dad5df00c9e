// A secondary index of a table: the keys of the entries that share a property.

const NONE: ReadonlySet<string> = new Set();

/** One index key or several, or undefined to leave an entry out. */
export type IndexKeys = string | readonly string[] | undefined;

/** Names the index keys of an entry. */
export interface IndexKeyOf<V> {
  of(key: string, value: V): IndexKeys;
}

interface Group {
  keys: Set<string>;
  /** No key of the group is greater: a key beyond it keeps the insertion order sorted. */
  bound: string;
  sorted: boolean;
}

/** Index keys to the ascending keys of a table. Sorting is put off until somebody reads the group. */
export class KeyIndex<V> {
  readonly #of: IndexKeyOf<V>;
  readonly #groups = new Map<string, Group>();

  constructor(of: IndexKeyOf<V>) {
    this.#of = of;
  }

  keys(indexKey: string): ReadonlySet<string> {
    const group = this.#groups.get(indexKey);
    if (!group) {
      return NONE;
    }
    if (!group.sorted) {
      // A new set, because somebody may still be iterating the old one.
      group.keys = new Set([...group.keys].sort());
      group.sorted = true;
    }
    return group.keys;
  }

  add(key: string, value: V): void {
    for (const indexKey of listed(this.#of.of(key, value))) {
      this.#insert(indexKey, key);
    }
  }

  remove(key: string, value: V): void {
    for (const indexKey of listed(this.#of.of(key, value))) {
      this.#drop(indexKey, key);
    }
  }

  replace(key: string, change: { readonly before: V | undefined; readonly value: V }): void {
    const old = change.before === undefined ? undefined : this.#of.of(key, change.before);
    const now = this.#of.of(key, change.value);
    if (haveSame(listed(old), listed(now))) {
      return;
    }
    for (const indexKey of listed(old)) {
      this.#drop(indexKey, key);
    }
    for (const indexKey of listed(now)) {
      this.#insert(indexKey, key);
    }
  }

  #insert(indexKey: string, key: string): void {
    const group = this.#groups.get(indexKey);
    if (!group) {
      this.#groups.set(indexKey, { keys: new Set([key]), bound: key, sorted: true });
      return;
    }
    group.keys.add(key);
    if (key > group.bound) {
      group.bound = key;
    } else {
      group.sorted = false;
    }
  }

  #drop(indexKey: string, key: string): void {
    const group = this.#groups.get(indexKey);
    group?.keys.delete(key);
    if (group?.keys.size === 0) {
      this.#groups.delete(indexKey);
    }
  }
}

function haveSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, at) => key === b[at]);
}

function listed(keys: IndexKeys): readonly string[] {
  return typeof keys === 'string' ? [keys] : (keys ?? []);
}
