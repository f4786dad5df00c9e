// An ordered set of strings, for tables that are read in the order of their keys.

const MAX_CHUNK = 512;

/** Strings in ascending order of their UTF-16 code units, in short sorted chunks: a change costs about a microsecond. */
export class SortedKeys {
  #chunks: string[][] = [];

  constructor(keys: Iterable<string> = []) {
    const sorted = [...keys].sort(compareKeys);
    for (let i = 0; i < sorted.length; i += MAX_CHUNK / 2) {
      this.#chunks.push(sorted.slice(i, i + MAX_CHUNK / 2));
    }
  }

  /** Adds `key`, which must not be there yet. */
  add(key: string): void {
    const index = Math.max(0, this.#chunkOf(key));
    const chunk = this.#chunks[index];
    if (!chunk) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(lowerBound(chunk, key), 0, key);
    if (chunk.length > MAX_CHUNK) {
      // Ascending keys fill the last chunk: splitting off its end keeps the earlier ones full.
      const isLast = index === this.#chunks.length - 1;
      const tail = chunk.splice(isLast ? MAX_CHUNK - 1 : MAX_CHUNK / 2);
      this.#chunks.splice(index + 1, 0, tail);
    }
  }

  /** Removes `key`, which must be there. */
  delete(key: string): void {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    const at = chunk ? lowerBound(chunk, key) : 0;
    if (chunk?.[at] === key) {
      chunk.splice(at, 1);
      if (chunk.length === 0) {
        this.#chunks.splice(index, 1);
      }
    }
  }

  /** Returns the least key that is ≥ `from`. */
  ceiling(from: string): string | undefined {
    const index = Math.max(0, this.#chunkOf(from));
    const chunk = this.#chunks[index];
    return chunk ? (chunk[lowerBound(chunk, from)] ?? this.#chunks[index + 1]?.[0]) : undefined;
  }

  /** Returns up to a few hundred keys in order, the first of them the least that is > `after` (undefined: the first of all). */
  chunkAfter(after: string | undefined): readonly string[] {
    const index = after === undefined ? 0 : Math.max(0, this.#chunkOf(after));
    const chunk = this.#chunks[index];
    if (!chunk || after === undefined) {
      return chunk?.slice() ?? [];
    }
    const at = lowerBound(chunk, after);
    const rest = chunk.slice(chunk[at] === after ? at + 1 : at);
    return rest.length > 0 ? rest : (this.#chunks[index + 1]?.slice() ?? []);
  }

  /** Returns the index of the last chunk whose first key is ≤ `key`, or -1. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.[0] ?? '') <= key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }
}

/** Orders strings by their UTF-16 code units, as `<` does. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns the index of the first element of `sorted` that is ≥ `key`. */
export function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
