// Finished records, in immutable sorted pages of the bucket. Memory holds where they are, not what they are.

import { isEngineError } from '../base/errors.ts';
import type { IdMaker } from '../base/ids.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { type RunRecord, RunWriter } from './history-run.ts';
import { encodeRow, isDeleteRow, valueOfRow } from './page.ts';
import { PageCache } from './page-cache.ts';
import { mergeRows, mergeRuns, openCursors } from './run-merge.ts';
import { compareKeys, lowerBound } from './sorted-keys.ts';

/** This many runs of one level become one run of the next. */
const FAN_IN = 8;
/** Bound of the cache of pages, in bytes of their text. */
const CACHE_BYTES = 16 * 1024 * 1024;
const SLICE = 2000;

/** Which records a scan yields, and in what order. */
export interface ScanOptions {
  /** Only keys that start with this. */
  readonly prefix: string;
  /** Start at this key (a whole one): ascending scans at it or after it, reverse ones at it or before it. */
  readonly from?: string;
  /** Greatest key first. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** A record of history. */
export interface HistoryRecord<V = unknown> {
  readonly key: string;
  readonly value: V;
}

/** Keys whose deletion has not reached the runs yet. */
export interface Forgotten {
  has(key: string): boolean;
  prefix(prefix: string): Iterable<[key: string, value: unknown]>;
}

/**
 * The finished records of a state: what `retire` moved out of memory. The journal replaces the list of runs with
 * each snapshot; reads under way go on in the old runs. Where a page of these is there no more, since other engines have
 * taken snapshots long ago, `refresh` brings the runs of the newest one: it resolves with whether there were newer ones.
 */
export class History {
  readonly #store: ObjectStore;
  readonly #ids: IdMaker;
  readonly #refresh: () => Promise<boolean>;
  readonly #cache: PageCache;
  readonly #forgotten: Forgotten;
  /** Newest first, levels ascending. */
  #runs: readonly RunRecord[] = [];
  #seq = 0;

  constructor(
    store: ObjectStore,
    options: {
      readonly ids: IdMaker;
      readonly forgotten: Forgotten;
      readonly refresh?: () => Promise<boolean>;
      readonly cacheBytes?: number;
    },
  ) {
    this.#store = store;
    this.#refresh = options.refresh ?? (() => Promise.resolve(false));
    this.#ids = options.ids;
    this.#forgotten = options.forgotten;
    this.#cache = new PageCache(store, { maxBytes: options.cacheBytes ?? CACHE_BYTES });
  }

  /** How many rows the runs hold; a key that is in several runs counts several times. */
  get rowCount(): number {
    return this.#runs.reduce((sum, run) => sum + run.count, 0);
  }

  /** The entry with whose snapshot the runs came; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** The runs, newest first. */
  get runs(): readonly RunRecord[] {
    return this.#runs;
  }

  /** Returns the value under `key`, or undefined. A page that is damaged or missing is `corrupt`. */
  async get<V = unknown>(key: string): Promise<V | undefined> {
    for (;;) {
      try {
        return await this.#get(key);
      } catch (error) {
        await this.#demandNewer(error);
      }
    }
  }

  async #get<V>(key: string): Promise<V | undefined> {
    if (this.#forgotten.has(key)) {
      return undefined;
    }
    for (const run of this.#runs) {
      const row = await this.#find(run, key);
      if (row !== undefined) {
        return isDeleteRow(row) ? undefined : (valueOfRow(row) as V);
      }
    }
    return undefined;
  }

  /** Yields records in the order of their keys; reads only the pages it needs for them. */
  async *scan<V = unknown>(options: ScanOptions): AsyncIterable<HistoryRecord<V>> {
    const { limit = Number.POSITIVE_INFINITY, ...rest } = options;
    let last: string | undefined;
    for (let count = 0; ; ) {
      const from = last ?? rest.from;
      const rows = this.#scan<V>({ ...rest, ...(from === undefined ? {} : { from }) });
      try {
        for await (const record of count < limit ? rows : []) {
          if (record.key !== last) {
            count += 1;
            last = record.key;
            yield record;
          }
          if (count >= limit) {
            return;
          }
        }
        return;
      } catch (error) {
        await this.#demandNewer(error);
      }
    }
  }

  async *#scan<V>(options: Omit<ScanOptions, 'limit'>): AsyncIterable<HistoryRecord<V>> {
    const { prefix, from, reverse = false } = options;
    const span = { ...spanOf(prefix, { from, reverse }), reverse };
    // Taken together with the runs: once a snapshot moves a deletion to the runs, the old ones still lack it.
    const forgotten = new Set([...this.#forgotten.prefix(prefix)].map(([key]) => key));
    const cursors = await openCursors(this.#cache, { runs: this.#runs, span, isCached: true });
    for await (const { key, row } of mergeRows(cursors, { reverse })) {
      if (!isDeleteRow(row) && !forgotten.has(key)) {
        yield { key, value: valueOfRow(row) as V };
      }
    }
  }

  /** Replaces the runs, newest first: the snapshot after entry `seq`, which names them, is durable. */
  use(runs: readonly RunRecord[], seq: number): void {
    this.#runs = runs;
    this.#seq = seq;
    this.#cache.keep(runs);
  }

  /**
   * Uploads `records` as a new run, merges runs where there are many of one level, and returns the runs that hold
   * everything. Readers do not see them before {@link History.use}.
   */
  async extend(records: ReadonlyMap<string, unknown>): Promise<readonly RunRecord[]> {
    const run = await this.#write(records);
    let runs = run ? [run, ...this.#runs] : this.#runs;
    for (let level = 0; runs.some((one) => one.level >= level); level++) {
      const same = runs.filter((one) => one.level === level);
      if (same.length >= FAN_IN) {
        const older = runs.filter((one) => one.level > level);
        const merged = await mergeRuns(same, {
          store: this.#store,
          cache: this.#cache,
          ids: this.#ids,
          level: level + 1,
          isOldest: older.length === 0,
        });
        const newer = runs.filter((one) => one.level < level);
        runs = [...newer, ...(merged ? [merged] : []), ...older];
      }
    }
    return runs;
  }

  /** Rejects with `error` unless it says that a page is not there and there are newer runs to read on in. */
  async #demandNewer(error: unknown): Promise<void> {
    if (!isEngineError(error, 'corrupt') || !(await this.#refresh())) {
      throw error;
    }
  }

  async #write(records: ReadonlyMap<string, unknown>): Promise<RunRecord | undefined> {
    const writer = new RunWriter(this.#store, this.#ids);
    let rows = 0;
    for (const key of [...records.keys()].sort(compareKeys)) {
      const value = records.get(key) ?? null;
      await writer.add(key, { text: encodeRow(key, value), isDelete: value === null });
      rows += 1;
      if (rows % SLICE === 0) {
        await new Promise(setImmediate);
      }
    }
    return await writer.finish(0);
  }

  async #find(run: RunRecord, key: string): Promise<string | undefined> {
    if (key < run.first || key > run.last) {
      return undefined;
    }
    const pages = await this.#cache.pagesOf(run);
    const index = lowerBound(
      pages.map((page) => page.last),
      key,
    );
    const page = pages[index];
    if (!page || page.first > key) {
      return undefined;
    }
    const { keys, rows } = await this.#cache.load(page);
    const at = lowerBound(keys, key);
    return keys[at] === key ? rows[at] : undefined;
  }
}

function spanOf(
  prefix: string,
  options: { from: string | undefined; reverse: boolean },
): { low: string; high: string | undefined } {
  const { from, reverse } = options;
  // No key has a character above this one: ids and names are ASCII or ordinary text.
  const end = prefix === '' ? undefined : `${prefix}\uffff`;
  if (from === undefined) {
    return { low: prefix, high: end };
  }
  if (!reverse) {
    return { low: from > prefix ? from : prefix, high: end };
  }
  // The least string above `from` is `from` and the least character.
  const above = `${from}\0`;
  return { low: prefix, high: end === undefined || above < end ? above : end };
}
