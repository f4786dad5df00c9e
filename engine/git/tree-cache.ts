// Recently used trees in memory, decoded, bounded by an estimate of their size.

import type { TreeEntry } from './tree.ts';

const ENTRY_BYTES = 160;

/** Decoded trees, the least recently used ones forgotten first. */
export class TreeCache {
  readonly #maxBytes: number;
  readonly #trees = new Map<string, readonly TreeEntry[]>();
  #bytes = 0;

  constructor(options: { maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? 48 * 1024 * 1024;
  }

  get(id: string): readonly TreeEntry[] | undefined {
    const entries = this.#trees.get(id);
    if (entries) {
      this.#trees.delete(id);
      this.#trees.set(id, entries);
    }
    return entries;
  }

  /** Keeps a tree unless it is too large to be worth it. */
  set(id: string, entries: readonly TreeEntry[]): void {
    const bytes = bytesOf(entries);
    if (bytes > this.#maxBytes / 2 || this.#trees.has(id)) {
      return;
    }
    this.#trees.set(id, entries);
    this.#bytes += bytes;
    for (const [oldest, tree] of this.#trees) {
      if (this.#bytes <= this.#maxBytes) {
        return;
      }
      this.#trees.delete(oldest);
      this.#bytes -= bytesOf(tree);
    }
  }
}

function bytesOf(entries: readonly TreeEntry[]): number {
  return ENTRY_BYTES * (entries.length + 1);
}
