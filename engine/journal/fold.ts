// The state as the fold of the log: applies entries, and tries transactions out without anyone seeing it.

import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type { Definition, Entry, EntryInfo, Transaction } from './definition.ts';
import type { JournalState } from './journal-state.ts';
import { RecentRequests } from './recent-requests.ts';
import type { TableCopy } from './snapshot.ts';
import type { Table } from './table.ts';

/** A table entry that leaves memory once history has it. */
export interface DroppedEntry {
  readonly table: string;
  readonly key: string;
  readonly value: unknown;
}

/** The state after entry `seq`, and the recent requests with it. Every change is a whole entry. */
export class Fold<S extends JournalState, O> {
  readonly state: S;
  readonly requests: RecentRequests;
  readonly #definition: Definition<S, O>;
  #seq = 0;
  #writeId = '';

  constructor(definition: Definition<S, O>) {
    this.#definition = definition;
    this.state = definition.empty();
    this.requests = new RecentRequests(this.state.log);
    this.state.log.commit();
    this.state.log.seal();
  }

  /** The number of the newest entry folded in; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** The write id of that entry; empty before the first. */
  get writeId(): string {
    return this.#writeId;
  }

  /**
   * Fills the tables of a state nothing was folded into yet from a snapshot of it after `entry`. A table that this
   * version doesn't know is `failed_precondition`.
   */
  load(
    entry: { readonly seq: number; readonly writeId: string },
    tables: readonly TableCopy[],
  ): void {
    for (const { name, rows } of tables) {
      const { table: requests } = this.requests;
      const table = name === requests.name ? requests : this.state.tables.get(name);
      if (!table) {
        throw new EngineError(
          'failed_precondition',
          `Cannot read table "${name}" of snapshot ${entry.seq}: a newer version of pfs wrote this store; upgrade`,
        );
      }
      for (const [key, value] of rows) {
        // Rows are what JSON gave back of this table's own values.
        (table as Table<unknown>).load(key, value);
      }
    }
    this.#seq = entry.seq;
    this.#writeId = entry.writeId;
  }

  /** Removes entries that history holds from memory, but for those that have changed since. */
  drop(entries: readonly DroppedEntry[]): void {
    const { log, tables } = this.state;
    log.unsealed(() => {
      for (const { table, key, value } of entries) {
        if (tables.get(table)?.get(key) === value) {
          tables.get(table)?.delete(key);
        }
      }
      log.commit();
    });
  }

  /**
   * Folds in the next entry. An entry this version can't apply is `failed_precondition` and leaves the state as it
   * was: the engine must stop, because everything it would decide from here on might be wrong.
   */
  apply(entry: Entry): void {
    if (entry.seq !== this.#seq + 1) {
      throw new EngineError(
        'internal',
        `Cannot apply entry ${entry.seq}: the state is at ${this.#seq}`,
      );
    }
    const { log } = this.state;
    log.unsealed(() => {
      try {
        entry.transactions.forEach((transaction, index) => {
          this.#applyOne(transaction, infoOf(entry, index));
        });
        log.commit();
      } catch (error) {
        log.rollback(0);
        throw cannotFold(entry, error);
      }
    });
    this.#seq = entry.seq;
    this.#writeId = entry.writeId;
  }

  /**
   * Runs `work` on the state with the changes that `apply` makes within it, and takes all of them back before
   * returning. Nobody else can see them, because `work` is synchronous.
   */
  speculate<T>(work: (apply: (transaction: Transaction, info: TransactionInfo) => void) => T): T {
    const { log } = this.state;
    try {
      return work((transaction, info) => {
        const mark = log.mark();
        log.unsealed(() => {
          try {
            this.#applyOne(transaction, info);
          } catch (error) {
            log.rollback(mark);
            throw error;
          }
        });
      });
    } finally {
      log.rollback(0);
    }
  }

  #applyOne(transaction: Transaction, info: TransactionInfo): void {
    for (const operation of transaction.operations) {
      if (!this.#definition.knows(operation)) {
        throw new EngineError(
          'failed_precondition',
          'a newer version of pfs wrote this store; upgrade',
          {
            details: { operation: JSON.stringify(operation).slice(0, 200) },
          },
        );
      }
      this.#definition.apply(this.state, operation, info);
    }
    if (transaction.request !== undefined) {
      this.requests.add({ id: transaction.request, result: transaction.result }, info);
    }
  }
}

/** What is known of a transaction within its entry; `index` counts from 0. */
export type TransactionInfo = EntryInfo & { readonly index: number };

/** Returns the circumstances of the transaction `index` of an entry. */
export function infoOf(entry: Entry, index: number): TransactionInfo {
  const { seq, time, engine } = entry;
  const { actor = '', request } = entry.transactions[index] ?? {};
  return { seq, time, engine, actor, index, ...(request === undefined ? {} : { request }) };
}

function cannotFold(entry: Entry, cause: unknown): EngineError {
  const why = isEngineError(cause) ? cause.message : `internal error: ${errorText(cause)}`;
  return new EngineError('failed_precondition', `Cannot apply journal entry ${entry.seq}: ${why}`, {
    cause,
    details: { seq: entry.seq, ...(isEngineError(cause) ? cause.details : {}) },
  });
}
