// The log of transactions and the state that is its fold. It knows neither the tables nor the operations.
//
// Readers never see what is not durable: transactions run on the state and are taken back within one synchronous
// step, then the entry is put, and only then applied for good.

import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import { IdMaker } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { type Span, type Tracer, traced } from '../base/tracer.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { makeBatch, type Outcome, type Pending } from './batch.ts';
import type { Decision, Definition, Entry } from './definition.ts';
import { Fold } from './fold.ts';
import { History } from './history.ts';
import type { JournalState } from './journal-state.ts';
import { readEntries } from './log-reader.ts';
import { LogTail } from './log-tail.ts';
import { readNewestSnapshot } from './snapshot.ts';
import { type SnapshotPolicy, Snapshotter } from './snapshotter.ts';
import { Watchers } from './watchers.ts';

export interface JournalOptions<S extends JournalState, O> {
  readonly store: ObjectStore;
  readonly definition: Definition<S, O>;
  readonly clock: Clock;
  readonly random: Random;
  /** The id of this engine, for the log. */
  readonly engine: string;
  /** How long a commit goes on asking what became of a put with an unknown outcome; 30 s unless told. */
  readonly patienceMs?: number;
  /** When to take snapshots; every 1000 entries or 32 MiB of entries unless told. */
  readonly snapshots?: Partial<SnapshotPolicy>;
  /**
   * Asked about a transaction that was refused: resolves true where it has mended the reason, and the transaction is
   * to be tried again.
   */
  readonly remedy?: (error: unknown) => Promise<boolean>;
  /** Called with what no caller gets to see, for the engine's log: failures of following, snapshots and listeners, and why the journal stopped. */
  readonly onProblem?: (error: unknown) => void;
  /** Takes a span of every entry that is put; undefined: nobody does. */
  readonly tracer?: Tracer;
}

export interface TransactOptions {
  /** On whose behalf; shown by `pfs log`. */
  readonly actor: string;
  /** The client's id of this request: a retry with the same id gets the first answer and commits nothing. */
  readonly requestId?: string;
}

/** An entry on its way into the log, and the transactions that were taken from the queue for it. */
interface EntryPut {
  readonly entry: Entry;
  readonly bytes: Buffer;
  readonly taken: readonly { readonly span?: Span | undefined }[];
}

const DEFAULT_PATIENCE = 30_000;
const DEFAULT_FOLLOW = 500;
/** How often what refuses one transaction is mended. */
const MAX_REMEDIES = 8;

/** A journal on one store, as one engine sees it. Any number of engines may have the same store open. */
export class Journal<S extends JournalState, O> {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #engine: string;
  readonly #onProblem: (error: unknown) => void;
  readonly #tracer: Tracer | undefined;
  readonly #fold: Fold<S, O>;
  readonly #tail: LogTail<S, O>;
  readonly #history: History;
  readonly #snapshotter: Snapshotter<S, O>;
  readonly #watchers: Watchers<S, Entry>;
  /** Those that are told of an entry while the state is as it was. */
  readonly #foreseers: Watchers<S, Entry>;
  readonly #closing = new AbortController();
  readonly #remedy: (error: unknown) => Promise<boolean>;
  #isOpen = false;
  #queue: Pending<S, O>[] = [];
  #pump: Promise<void> | undefined;

  private constructor(options: JournalOptions<S, O>) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#engine = options.engine;
    this.#onProblem = options.onProblem ?? (() => undefined);
    this.#tracer = options.tracer;
    this.#remedy = options.remedy ?? (() => Promise.resolve(false));
    this.#fold = new Fold(options.definition);
    const ids = new IdMaker(options.clock, options.random);
    const { forgotten } = this.#fold.state;
    const refresh = () => this.#refreshHistory();
    this.#history = new History(options.store, { ids, forgotten, refresh });
    this.#snapshotter = new Snapshotter({
      ...options,
      fold: this.#fold,
      history: this.#history,
      ids,
      policy: options.snapshots ?? {},
      onProblem: this.#onProblem,
    });
    this.#watchers = new Watchers(this.#onProblem);
    this.#foreseers = new Watchers(this.#onProblem);
    this.#tail = new LogTail({
      ...options,
      fold: this.#fold,
      patienceMs: options.patienceMs ?? DEFAULT_PATIENCE,
      beforeEntry: (entry) => this.#foreseers.notify(this.state, entry),
      onEntry: (entry, bytes) => this.#noticeEntry(entry, bytes),
      onStop: (error) => {
        this.#watchers.fail(error);
        this.#onProblem(error);
      },
    });
  }

  /**
   * Opens the journal of a store: the newest snapshot and every entry after it. An empty store is an empty journal.
   * A damaged or missing entry is `corrupt` and names its key; an entry that only a newer version understands is
   * `failed_precondition`.
   */
  static async open<S extends JournalState, O>(
    options: JournalOptions<S, O>,
  ): Promise<Journal<S, O>> {
    const journal = new Journal(options);
    const snapshot = await readNewestSnapshot(options.store, journal.#onProblem);
    journal.#history.use(snapshot?.manifest.history ?? [], snapshot?.manifest.seq ?? 0);
    await journal.#tail.open(snapshot);
    journal.#isOpen = true;
    journal.#snapshotter.takeIfDue();
    return journal;
  }

  /** The state after the newest entry known here, all of it durable. Read it; only operations change it. */
  get state(): S {
    return this.#fold.state;
  }

  /** The number of the newest entry folded in; 0 for an empty journal. */
  get seq(): number {
    return this.#fold.seq;
  }

  /** The id of this engine, as its entries name it. */
  get engine(): string {
    return this.#engine;
  }

  /** The finished records that left the state. */
  get history(): History {
    return this.#history;
  }

  /** Why the journal stopped for good, or undefined while it works. */
  get failure(): EngineError | undefined {
    return this.#tail.failure;
  }

  /**
   * Commits what `run` decides on the current state, and resolves with its result once that is durable. `run` is
   * synchronous, does no I/O, changes nothing itself, and may run again when another engine was faster. Throwing in
   * it refuses the transaction with nothing changed. With a request id the result must be JSON. No operations:
   * nothing is committed, and the result holds for the state it was made from.
   *
   * An `unavailable` error that says "outcome unknown" leaves open whether the transaction was committed: ask again
   * with the same request id.
   */
  async transact<T>(run: (state: S) => Decision<O, T>, options: TransactOptions): Promise<T> {
    for (let left = MAX_REMEDIES; ; left--) {
      try {
        return await this.#transactOnce(run, options);
      } catch (error) {
        if (left === 0 || !(await this.#remedy(error))) {
          throw error;
        }
      }
    }
  }

  #transactOnce<T>(run: (state: S) => Decision<O, T>, options: TransactOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.failure || this.#closing.signal.aborted) {
        reject(this.failure ?? closed());
        return;
      }
      const { actor, requestId } = options;
      const settle = (outcome: Outcome) =>
        'error' in outcome ? reject(outcome.error) : resolve(outcome.value as T);
      this.#queue.push({
        run,
        actor,
        settle,
        span: this.#tracer?.current,
        ...(requestId === undefined ? {} : { request: requestId }),
      });
      this.#pump ??= this.#drain();
    });
  }

  /**
   * Returns what a recent request was answered, or undefined. Ask before checks that the request's own effect would fail:
   * a retry must get the first answer, not a complaint about what it did itself.
   */
  findAnswer(requestId: string): { readonly result?: unknown } | undefined {
    return this.#fold.requests.find(requestId);
  }

  /** Folds in everything that any engine has committed by now. */
  sync(): Promise<void> {
    return this.#tail.sync();
  }

  /** Looks for other engines' entries every `intervalMs` until the returned function is called or the journal closes. */
  follow(options: { readonly intervalMs?: number } = {}): () => void {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closing.signal]);
    const loop = async () => {
      while (!signal.aborted && !this.failure) {
        try {
          await this.#clock.sleep(options.intervalMs ?? DEFAULT_FOLLOW, { signal });
          await this.sync();
        } catch (error) {
          if (!isEngineError(error, 'cancelled')) {
            this.#onProblem(error);
          }
        }
      }
    };
    void loop();
    return () => stop.abort();
  }

  /** Calls `listener` with every entry that is folded in from now on, own or other; returns the function that ends it. */
  subscribe(listener: (entry: Entry) => void): () => void {
    return this.#watchers.subscribe(listener);
  }

  /** As {@link subscribe}, but right before the entry is folded in: what it deletes is still there. */
  foresee(listener: (entry: Entry) => void): () => void {
    return this.#foreseers.subscribe(listener);
  }

  /** Resolves with what `predicate` gives for the first state, from now on, for which that is not undefined. */
  waitFor<T>(
    predicate: (state: S) => T | undefined,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    return this.#watchers.waitFor(predicate, { ...options, state: this.state });
  }

  /**
   * Yields the current sequence number at once, and then the newest one whenever there is a newer one: many changes
   * while the consumer is busy are one. Ends when `signal` aborts; rejects when the journal stops.
   */
  async *changes(signal: AbortSignal): AsyncIterable<number> {
    let seen = -1;
    while (!signal.aborted) {
      const last = seen;
      try {
        await this.waitFor(() => (this.seq > last ? true : undefined), { signal });
      } catch (error) {
        if (isEngineError(error, 'cancelled')) {
          return;
        }
        throw error;
      }
      seen = this.seq;
      yield seen;
    }
  }

  /** Yields the entries of the log from number `from` (at least 1) to the newest. */
  async *entries(from: number): AsyncIterable<Entry> {
    for await (const { entry } of readEntries(this.#store, Math.max(1, from))) {
      yield entry;
    }
  }

  /** Takes a snapshot now; resolves when it is durable and finished records have moved to history. */
  snapshot(): Promise<void> {
    return this.#snapshotter.take();
  }

  /** Takes no more transactions, waits for those under way, and stops all background work. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#pump;
    await this.#tail.exclusive(async () => undefined);
    await this.#snapshotter.settled();
    this.#watchers.fail(closed());
  }

  async #refreshHistory(): Promise<boolean> {
    await this.sync();
    return await this.#snapshotter.adopt();
  }

  async #drain(): Promise<void> {
    // One turn of the event loop, so that requests which arrived together share the put.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      try {
        await this.#tail.exclusive(() => this.#commitNext());
      } catch (error) {
        this.#refuse(this.#queue.splice(0), error);
      }
    }
    this.#pump = undefined;
  }

  /** Commits the next batch of the queue. Rejects when the journal can't even say what the state is. */
  async #commitNext(): Promise<void> {
    await this.#tail.settle();
    const seq = this.#fold.seq + 1;
    const head = {
      seq,
      time: this.#clock.now(),
      engine: this.#engine,
      writeId: this.#random.bytes(16).toString('hex'),
    };
    const batch = makeBatch(this.#fold, { queue: this.#queue, head });
    const taken = this.#queue.splice(0, batch.outcomes.length);
    try {
      const { entry, bytes } = batch;
      if (entry && bytes && !(await this.#append({ entry, bytes, taken }))) {
        this.#queue.unshift(...taken);
        return;
      }
    } catch (error) {
      this.#refuse(taken, error);
      return;
    }
    for (const { pending, outcome } of batch.outcomes) {
      pending.settle(outcome);
    }
  }

  #append(put: EntryPut): Promise<boolean> {
    const append = () => this.#tail.append(put.entry, put.bytes);
    return this.#tracer ? traced(beginPut(this.#tracer, put), append) : append();
  }

  #noticeEntry(entry: Entry, bytes: number): void {
    this.#snapshotter.count(bytes);
    this.#watchers.notify(this.state, entry);
    if (this.#isOpen && !this.#closing.signal.aborted) {
      this.#snapshotter.takeIfDue();
    }
  }

  #refuse(pending: readonly Pending<S, O>[], error: unknown): void {
    for (const { settle } of pending) {
      settle({ error });
    }
  }
}

/** Begins the span of an entry: part of what its first transaction is part of, and linked to what the others are. */
function beginPut(tracer: Tracer, { entry, bytes, taken }: EntryPut): Span {
  const facts = {
    'pfs.journal.sequence': entry.seq,
    'pfs.journal.transactions': entry.transactions.length,
    'pfs.journal.bytes': bytes.length,
  };
  const [parent, ...links] = taken.flatMap(({ span }) => span ?? []);
  // Who began to empty the queue is no cause of what comes into it later.
  return parent
    ? tracer.begin('journal put', { facts, parent, links })
    : tracer.beginRoot('journal put', { facts });
}

function closed(): EngineError {
  return new EngineError('cancelled', 'Cannot commit: the journal is closed');
}
