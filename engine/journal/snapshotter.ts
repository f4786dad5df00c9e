// Takes snapshots in the background while the engine goes on, and moves finished records to history with them.

import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { IdMaker } from '../base/ids.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { Definition } from './definition.ts';
import type { DroppedEntry, Fold } from './fold.ts';
import type { History } from './history.ts';
import type { JournalState } from './journal-state.ts';
import { readEntry } from './log-reader.ts';
import {
  deleteOldSnapshots,
  listSnapshots,
  readManifest,
  type SnapshotManifest,
  type TableCopy,
  writeSnapshot,
} from './snapshot.ts';

/** When a snapshot is due: so many entries, or so many bytes of entries, after the last one. */
export interface SnapshotPolicy {
  readonly entries: number;
  readonly bytes: number;
  /** Beside the newest two, one stays that is older than this, in milliseconds by the store's clock. */
  readonly keepMs: number;
}

const HOUR = 60 * 60 * 1000;
const DEFAULT_POLICY: SnapshotPolicy = { entries: 1000, bytes: 32 * 1024 * 1024, keepMs: 0 };
const KEEP = 2;
/** A snapshot that takes longer is given up: the pages that it would name may be taken for garbage by then. */
const MAX_TAKE_MS = HOUR;
/** Pages of history that no snapshot names stay at least so long. */
const MIN_PAGE_GRACE_MS = 2 * MAX_TAKE_MS;

/** Returns how long pages of history stay that no snapshot names any more, in milliseconds, with a grace period of `graceMs`. */
export function pageGraceMs(graceMs: number): number {
  return Math.max(graceMs, MIN_PAGE_GRACE_MS);
}
const DROP_SLICE = 5000;

interface Capture {
  readonly seq: number;
  readonly writeId: string;
  readonly tables: readonly TableCopy[];
  readonly records: ReadonlyMap<string, unknown>;
  readonly drops: readonly DroppedEntry[];
}

/** Counts what was folded in since the last snapshot, and takes the next one when it is due. */
export class Snapshotter<S extends JournalState, O> {
  readonly #store: ObjectStore;
  readonly #fold: Fold<S, O>;
  readonly #history: History;
  readonly #definition: Definition<S, O>;
  readonly #clock: Clock;
  readonly #ids: IdMaker;
  readonly #engine: string;
  readonly #policy: SnapshotPolicy;
  readonly #onProblem: (error: unknown) => void;
  #entries = 0;
  #bytes = 0;
  #running: Promise<void> | undefined;

  constructor(options: {
    readonly store: ObjectStore;
    readonly fold: Fold<S, O>;
    readonly history: History;
    readonly definition: Definition<S, O>;
    readonly clock: Clock;
    readonly ids: IdMaker;
    readonly engine: string;
    readonly policy?: Partial<SnapshotPolicy>;
    readonly onProblem: (error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#fold = options.fold;
    this.#history = options.history;
    this.#definition = options.definition;
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#engine = options.engine;
    this.#policy = { ...DEFAULT_POLICY, ...options.policy };
    this.#onProblem = options.onProblem;
  }

  /** Counts an entry that was folded in. */
  count(bytes: number): void {
    this.#entries += 1;
    this.#bytes += bytes;
  }

  /** Begins a snapshot in the background if one is due and none is under way. Failures go to `onProblem`. */
  takeIfDue(): void {
    const isDue = this.#entries >= this.#policy.entries || this.#bytes >= this.#policy.bytes;
    if (isDue && !this.#running) {
      this.take().catch(this.#onProblem);
    }
  }

  /** Takes a snapshot of the current state, after the one under way if there is one. */
  async take(): Promise<void> {
    while (this.#running) {
      await this.settled();
    }
    this.#running = this.#take();
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  /** Resolves when no snapshot is under way, however the last one ended. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  /** Takes over the history of the newest snapshot that is no newer than the state. Resolves with whether it is another one. */
  async adopt(): Promise<boolean> {
    for (const tried = new Set<number>(); ; ) {
      const { complete } = await listSnapshots(this.#store);
      const newest = complete.findLast((seq) => seq <= this.#fold.seq && !tried.has(seq));
      if (newest === undefined || newest <= this.#history.seq) {
        return false;
      }
      tried.add(newest);
      const manifest = await this.#manifestOf(newest);
      if (manifest && newest > this.#history.seq) {
        this.#history.use(manifest.history, newest);
        return true;
      }
    }
  }

  /** Returns what a snapshot of this log says of itself; undefined where it is another log's, damaged, or there no more. */
  async #manifestOf(seq: number): Promise<SnapshotManifest | undefined> {
    try {
      const manifest = await readManifest(this.#store, seq);
      const { entry } = (await readEntry(this.#store, seq)) ?? {};
      return entry?.writeId === manifest.writeId ? manifest : undefined;
    } catch (error) {
      if (isEngineError(error, 'corrupt') || isEngineError(error, 'not_found')) {
        return undefined;
      }
      throw error;
    }
  }

  async #take(): Promise<void> {
    this.#entries = 0;
    this.#bytes = 0;
    const capture = this.#capture();
    if (capture.seq === 0) {
      return;
    }
    await this.#write(capture);
    // A newer one of another engine says nothing of what nobody needed at the time of this one.
    const { seq, drops } = capture;
    for (let i = 0; i < drops.length && this.#history.seq === seq; i += DROP_SLICE) {
      this.#fold.drop(drops.slice(i, i + DROP_SLICE));
      await new Promise(setImmediate);
    }
    await deleteOldSnapshots(this.#store, { keep: KEEP, forMs: this.#policy.keepMs });
  }

  /** Writes a snapshot and takes its history over, or that of another engine's which makes this one worthless. */
  async #write({ seq, writeId, tables, records }: Capture): Promise<void> {
    const started = this.#clock.monotonic();
    // It stands on the newest runs that there are: pages of others may be let go of.
    await this.adopt();
    while (this.#history.seq < seq) {
      const history = await this.#history.extend(records);
      if (this.#clock.monotonic() - started > MAX_TAKE_MS) {
        throw new EngineError(
          'unavailable',
          'Cannot take a snapshot: it took more than an hour; the next one is taken when it is due',
        );
      }
      if (await this.adopt()) {
        continue;
      }
      const head = { seq, writeId, time: this.#clock.now(), engine: this.#engine, history };
      try {
        await writeSnapshot(this.#store, { head, tables, pageId: this.#ids.next() });
        this.#history.use(history, seq);
      } catch (error) {
        if (!isEngineError(error, 'already_exists')) {
          throw error;
        }
        await this.adopt();
        return;
      }
    }
  }

  /** Takes hold of everything in one step. Values are immutable, so that they can be written down later. */
  #capture(): Capture {
    const { state, requests, seq, writeId } = this.#fold;
    const records = new Map<string, unknown>();
    const drops = new Map<string, Map<string, unknown>>();
    const drop = (table: string, key: string) => {
      const value = state.tables.get(table)?.get(key);
      const dropped = drops.get(table) ?? new Map<string, unknown>();
      drops.set(table, value === undefined ? dropped : dropped.set(key, value));
    };
    for (const key of state.forgotten.keys()) {
      records.set(key, null);
      drop(state.forgotten.name, key);
    }
    for (const record of this.#definition.retire?.(state) ?? []) {
      records.set(record.key, record.value);
      for (const { table, key } of record.drop) {
        drop(table, key);
      }
    }
    const tables = [...state.tables.values(), requests.table].map((table) => {
      const dropped = drops.get(table.name);
      const rows = table.copy();
      return {
        name: table.name,
        rows: dropped ? rows.filter(([key]) => !dropped.has(key)) : rows,
      };
    });
    const entries = [...drops].flatMap(([table, dropped]) =>
      [...dropped].map(([key, value]) => ({ table, key, value })),
    );
    return { seq, writeId, tables, records, drops: entries };
  }
}
