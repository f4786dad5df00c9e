// Pages of history that were read lately, bounded in bytes.

import { historyKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { type PageRecord, type RunRecord, readPageList } from './history-run.ts';
import { keyOfRow, readPage } from './page.ts';

/** A page in memory: keys in order, and the row of each, not parsed yet. */
export interface LoadedPage {
  readonly keys: readonly string[];
  readonly rows: readonly string[];
}

/** Reads pages and the page lists of runs, and keeps the least recently used ones out. */
export class PageCache {
  readonly #store: ObjectStore;
  readonly #maxBytes: number;
  /** In the order of their last use; values are shared by concurrent readers. */
  readonly #pages = new Map<
    string,
    { readonly bytes: number; readonly page: Promise<LoadedPage> }
  >();
  readonly #lists = new Map<string, Promise<readonly PageRecord[]>>();
  #bytes = 0;

  constructor(store: ObjectStore, options: { readonly maxBytes: number }) {
    this.#store = store;
    this.#maxBytes = options.maxBytes;
  }

  /** Returns the pages of a run in order. */
  pagesOf(run: RunRecord): Promise<readonly PageRecord[]> | readonly PageRecord[] {
    if (!('id' in run.pages)) {
      return run.pages;
    }
    const { id } = run.pages;
    const known = this.#lists.get(id);
    if (known) {
      return known;
    }
    const read = readPageList(this.#store, run.pages);
    this.#lists.set(id, read);
    read.catch(() => this.#lists.delete(id));
    return read;
  }

  /** Forgets the page lists of all other runs. */
  keep(runs: readonly RunRecord[]): void {
    const live = new Set(runs.map(({ pages }) => ('id' in pages ? pages.id : '')));
    for (const id of this.#lists.keys()) {
      if (!live.has(id)) {
        this.#lists.delete(id);
      }
    }
  }

  load(page: PageRecord): Promise<LoadedPage> {
    const known = this.#pages.get(page.id);
    if (known) {
      this.#pages.delete(page.id);
      this.#pages.set(page.id, known);
      return known.page;
    }
    const read = this.read(page);
    this.#pages.set(page.id, { bytes: page.bytes, page: read });
    this.#bytes += page.bytes;
    read.catch(() => this.#drop(page.id));
    for (const id of this.#pages.keys()) {
      if (this.#bytes <= this.#maxBytes || id === page.id) {
        break;
      }
      this.#drop(id);
    }
    return read;
  }

  /** Reads a page past the cache, for those who read everything once. */
  async read(page: PageRecord): Promise<LoadedPage> {
    const rows = await readPage(this.#store, { key: historyKey(page.id), count: page.count });
    return { rows, keys: rows.map(keyOfRow) };
  }

  #drop(id: string): void {
    this.#bytes -= this.#pages.get(id)?.bytes ?? 0;
    this.#pages.delete(id);
  }
}
