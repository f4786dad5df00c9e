// A run: rows in the order of their keys, cut into pages. Runs are written once and merged, never changed.

import type { IdMaker } from '../base/ids.ts';
import { historyKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { encodePage, encodeRow, readPage, valueOfRow } from './page.ts';

/** A page is cut once its rows have this many bytes of text. */
export const PAGE_BYTES = 256 * 1024;
/** A run of more pages than this keeps the list of them in an object of its own. */
const MAX_LISTED_PAGES = 32;
const MAX_PUTS = 4;

/** Where a page is and what it spans. */
export interface PageRecord {
  readonly id: string;
  readonly first: string;
  readonly last: string;
  readonly count: number;
  /** How many of the rows delete a key. */
  readonly deletes: number;
  /** Length of the text of its rows. */
  readonly bytes: number;
}

/** What a snapshot's manifest says of a run. */
export interface RunRecord {
  /** How many merges it has been through. */
  readonly level: number;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  /** The pages in order, or the object of history that lists them, with their number. */
  readonly pages: readonly PageRecord[] | { readonly id: string; readonly count: number };
}

/** Cuts rows, given in the order of their keys, into pages and uploads them. */
export class RunWriter {
  readonly #store: ObjectStore;
  readonly #ids: IdMaker;
  readonly #pages: PageRecord[] = [];
  readonly #uploads = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #rows: string[] = [];
  #bytes = 0;
  #deletes = 0;
  #first = '';
  #last = '';

  constructor(store: ObjectStore, ids: IdMaker) {
    this.#store = store;
    this.#ids = ids;
  }

  /** Adds a row; a null value deletes the key in all older runs. */
  async add(
    key: string,
    row: { readonly text: string; readonly isDelete: boolean },
  ): Promise<void> {
    if (this.#rows.length === 0) {
      this.#first = key;
    }
    this.#last = key;
    this.#rows.push(row.text);
    this.#bytes += row.text.length + 1;
    this.#deletes += row.isDelete ? 1 : 0;
    if (this.#bytes >= PAGE_BYTES) {
      await this.#cut();
    }
  }

  /** Takes a page of another run over as it is. */
  async addPage(page: PageRecord): Promise<void> {
    await this.#cut();
    this.#pages.push(page);
  }

  /** Uploads the rest and returns the run, or undefined when it has no rows. */
  async finish(level: number): Promise<RunRecord | undefined> {
    await this.#cut();
    await Promise.all(this.#uploads);
    this.#check();
    const [first] = this.#pages;
    const last = this.#pages.at(-1);
    if (!first || !last) {
      return undefined;
    }
    const count = this.#pages.reduce((sum, page) => sum + page.count, 0);
    const pages = await this.#list();
    return { level, count, first: first.first, last: last.last, pages };
  }

  async #list(): Promise<RunRecord['pages']> {
    if (this.#pages.length <= MAX_LISTED_PAGES) {
      return this.#pages;
    }
    const id = this.#ids.next();
    const rows = this.#pages.map((page) => encodeRow(page.first, page));
    await this.#store.put(historyKey(id), await encodePage(rows), { ifAbsent: true });
    return { id, count: rows.length };
  }

  async #cut(): Promise<void> {
    if (this.#rows.length === 0) {
      return;
    }
    const id = this.#ids.next();
    const rows = this.#rows;
    this.#pages.push({
      id,
      first: this.#first,
      last: this.#last,
      count: rows.length,
      deletes: this.#deletes,
      bytes: this.#bytes,
    });
    this.#rows = [];
    this.#bytes = 0;
    this.#deletes = 0;
    if (this.#uploads.size >= MAX_PUTS) {
      await Promise.race(this.#uploads);
    }
    this.#check();
    const upload = this.#upload(id, rows).catch((error: unknown) => {
      this.#failure ??= { error };
    });
    this.#uploads.add(upload);
    void upload.then(() => this.#uploads.delete(upload));
  }

  async #upload(id: string, rows: readonly string[]): Promise<void> {
    await this.#store.put(historyKey(id), await encodePage(rows), { ifAbsent: true });
  }

  #check(): void {
    if (this.#failure) {
      throw this.#failure.error;
    }
  }
}

/** Reads the list of pages of a run that keeps it apart. */
export async function readPageList(
  store: ObjectStore,
  list: { readonly id: string; readonly count: number },
): Promise<PageRecord[]> {
  const rows = await readPage(store, { key: historyKey(list.id), count: list.count });
  return rows.map((row) => valueOfRow(row) as PageRecord);
}
