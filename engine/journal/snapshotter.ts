// Takes snapshots in the background while the engine goes on, and moves finished records to history with them.

import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { IdMaker } from '../base/ids.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { Definition } from './definition.ts';
import type { DroppedEntry, Fold } from './fold.ts';
import type { History } from './history.ts';
import type { JournalState } from './journal-state.ts';
import { deleteOldSnapshots, type TableCopy, writeSnapshot } from './snapshot.ts';

/** When a snapshot is due: so many entries, or so many bytes of entries, after the last one. */
export interface SnapshotPolicy {
  readonly entries: number;
  readonly bytes: number;
}

const DEFAULT_POLICY: SnapshotPolicy = { entries: 1000, bytes: 32 * 1024 * 1024 };
const KEEP = 2;
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

  async #take(): Promise<void> {
    this.#entries = 0;
    this.#bytes = 0;
    const { seq, writeId, tables, records, drops } = this.#capture();
    if (seq === 0) {
      return;
    }
    const history = await this.#history.extend(records);
    const head = { seq, writeId, time: this.#clock.now(), engine: this.#engine, history };
    try {
      await writeSnapshot(this.#store, { head, tables, pageId: this.#ids.next() });
    } catch (error) {
      if (isEngineError(error, 'already_exists')) {
        // Another engine's snapshot of this entry stands. Ours, and the runs it named, count for nothing.
        return;
      }
      throw error;
    }
    this.#history.use(history);
    for (let i = 0; i < drops.length; i += DROP_SLICE) {
      this.#fold.drop(drops.slice(i, i + DROP_SLICE));
      await new Promise(setImmediate);
    }
    await deleteOldSnapshots(this.#store, KEEP);
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
