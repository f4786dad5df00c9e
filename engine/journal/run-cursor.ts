// Walks one run in either direction and reads a page only when it is that page's turn.

import type { PageRecord, RunRecord } from './history-run.ts';
import type { LoadedPage, PageCache } from './page-cache.ts';
import { lowerBound } from './sorted-keys.ts';

/** The bounds and direction of a walk: keys ≥ `low` and < `high` (undefined: no upper bound). */
export interface Span {
  readonly low: string;
  readonly high: string | undefined;
  readonly reverse: boolean;
}

/** A place in a run. Before a page is read, the cursor stands at the key with which the page begins or ends. */
export class RunCursor {
  readonly #cache: PageCache;
  readonly #pages: readonly PageRecord[];
  readonly #span: Span;
  readonly #isCached: boolean;
  #pageIndex: number;
  #page: LoadedPage | undefined;
  #row = 0;

  private constructor(
    cache: PageCache,
    options: { pages: readonly PageRecord[]; span: Span; isCached: boolean },
  ) {
    this.#cache = cache;
    this.#pages = options.pages;
    this.#span = options.span;
    this.#isCached = options.isCached;
    this.#pageIndex = firstPage(this.#pages, this.#span);
  }

  /** Stands at the first key of `run` within `span`; `isCached`: pages read stay in the cache. */
  static async open(
    cache: PageCache,
    options: { readonly run: RunRecord; readonly span: Span; readonly isCached: boolean },
  ): Promise<RunCursor> {
    const { run, span, isCached } = options;
    const { low, high } = span;
    const isOutside = run.last < low || (high !== undefined && run.first >= high);
    const pages = isOutside ? [] : await cache.pagesOf(run);
    return new RunCursor(cache, { pages, span, isCached });
  }

  /**
   * The current key, or, while its page is unread, a bound that no key of the rest of the run comes before.
   * Undefined at the end.
   */
  get key(): string | undefined {
    if (this.#page) {
      return this.#page.keys[this.#row];
    }
    const page = this.#pages[this.#pageIndex];
    if (!page) {
      return undefined;
    }
    const { low, high, reverse } = this.#span;
    const isOutside = page.last < low || (high !== undefined && page.first >= high);
    return isOutside ? undefined : reverse ? page.last : page.first;
  }

  /** The page that the cursor stands before, or undefined when it stands inside one or at the end. */
  get unreadPage(): PageRecord | undefined {
    return this.#page || this.key === undefined ? undefined : this.#pages[this.#pageIndex];
  }

  get row(): string {
    return this.#page?.rows[this.#row] ?? '';
  }

  /** Reads the page the cursor stands before and moves to its first key within the span. */
  async read(): Promise<void> {
    const page = this.#pages[this.#pageIndex];
    if (!page || this.#page) {
      return;
    }
    const loaded = await (this.#isCached ? this.#cache.load(page) : this.#cache.read(page));
    this.#page = loaded;
    const { low, high, reverse } = this.#span;
    if (reverse) {
      this.#row = (high === undefined ? loaded.keys.length : lowerBound(loaded.keys, high)) - 1;
    } else {
      this.#row = lowerBound(loaded.keys, low);
    }
    this.#settle();
  }

  /** Moves to the next key; stands before the next page at the end of this one. */
  next(): void {
    this.#row += this.#span.reverse ? -1 : 1;
    this.#settle();
  }

  /** Leaves the page the cursor stands before unread. */
  skipPage(): void {
    this.#pageIndex += this.#span.reverse ? -1 : 1;
  }

  #settle(): void {
    const key = this.#page?.keys[this.#row];
    const { low, high } = this.#span;
    if (key === undefined) {
      this.#page = undefined;
      this.skipPage();
    } else if (key < low || (high !== undefined && key >= high)) {
      this.#page = undefined;
      this.#pageIndex = -1;
    }
  }
}

function firstPage(pages: readonly PageRecord[], span: Span): number {
  if (span.reverse) {
    const { high } = span;
    const firsts = pages.map((page) => page.first);
    return high === undefined ? pages.length - 1 : lowerBound(firsts, high) - 1;
  }
  return lowerBound(
    pages.map((page) => page.last),
    span.low,
  );
}
