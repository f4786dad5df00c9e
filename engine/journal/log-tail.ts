// The end of the log as one engine knows it: follows what others append, and appends.

import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { journalKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { putEntry } from './committer.ts';
import type { Entry } from './definition.ts';
import type { Fold } from './fold.ts';
import type { JournalState } from './journal-state.ts';
import { demandEnd, readEntries, readEntry } from './log-reader.ts';
import type { Snapshot } from './snapshot.ts';

export interface LogTailOptions<S extends JournalState, O> {
  readonly store: ObjectStore;
  readonly fold: Fold<S, O>;
  readonly clock: Clock;
  readonly patienceMs: number;
  /** Called before an entry is folded in. */
  readonly beforeEntry: (entry: Entry) => void;
  /** Called after an entry was folded in. */
  readonly onEntry: (entry: Entry, bytes: number) => void;
  /** Called once, when the state can't be trusted any more. */
  readonly onStop: (error: EngineError) => void;
}

/** Keeps a fold at the end of the log. Appending and catching up never overlap: both decide what the next entry is. */
export class LogTail<S extends JournalState, O> {
  readonly #options: LogTailOptions<S, O>;
  #turn: Promise<unknown> = Promise.resolve();
  #mustSync = false;
  #failure: EngineError | undefined;

  constructor(options: LogTailOptions<S, O>) {
    this.#options = options;
  }

  /** Why the state can't be trusted any more, or undefined. */
  get failure(): EngineError | undefined {
    return this.#failure;
  }

  /** Brings a fresh fold to the end of the log, from a snapshot if there is one, and demands that it is the end. */
  async open(snapshot: Snapshot | undefined): Promise<void> {
    const { store, fold } = this.#options;
    if (snapshot) {
      const { seq, writeId } = snapshot.manifest;
      const found = await readEntry(store, seq);
      if (found?.entry.writeId !== writeId) {
        throw strangeSnapshot(seq);
      }
      fold.load({ seq, writeId }, snapshot.tables);
    }
    await this.sync();
    await demandEnd(store, fold.seq + 1);
  }

  /** Runs `work` after all exclusive work before it. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    this.#turn = run.catch(() => undefined);
    return run;
  }

  /** Folds in everything that any engine has appended by now. */
  sync(): Promise<void> {
    return this.exclusive(() => this.#catchUp());
  }

  /** Makes sure, within exclusive work, that the state is fit to decide on: after a lost race it catches up first. */
  async settle(): Promise<void> {
    if (this.#failure) {
      throw this.#failure;
    }
    if (this.#mustSync) {
      await this.#catchUp();
    }
  }

  /**
   * Appends the next entry within exclusive work, and folds it in. False: another engine was faster, and nothing
   * happened. Rejects when it is not there, or, `unavailable`, may not be.
   */
  async append(entry: Entry, bytes: Buffer): Promise<boolean> {
    const { store, clock, patienceMs } = this.#options;
    this.#mustSync = true;
    if (!(await putEntry(store, { seq: entry.seq, bytes }, { clock, patienceMs }))) {
      return false;
    }
    this.#foldIn(entry, bytes.length);
    this.#mustSync = false;
    return true;
  }

  async #catchUp(): Promise<void> {
    if (this.#failure) {
      throw this.#failure;
    }
    const { store, fold } = this.#options;
    for await (const { entry, bytes } of readEntries(store, fold.seq + 1)) {
      this.#foldIn(entry, bytes);
    }
    this.#mustSync = false;
  }

  #foldIn(entry: Entry, bytes: number): void {
    this.#options.beforeEntry(entry);
    try {
      this.#options.fold.apply(entry);
    } catch (error) {
      throw this.#stop(error);
    }
    this.#options.onEntry(entry, bytes);
  }

  #stop(error: unknown): EngineError {
    const failure = isEngineError(error)
      ? error
      : new EngineError('internal', `Cannot go on: ${errorText(error)}`, { cause: error });
    this.#failure = failure;
    this.#options.onStop(failure);
    return failure;
  }
}

function strangeSnapshot(seq: number): EngineError {
  const key = journalKey(seq);
  return new EngineError(
    'corrupt',
    `Cannot open the journal: entry "${key}" is not the one its snapshot was taken after; restore this object of the bucket from a copy`,
    { details: { key } },
  );
}
