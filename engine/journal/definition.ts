// What the journal must be told of a state and its operations. The journal itself knows neither.

import type { JournalState } from './journal-state.ts';

/** The circumstances of one transaction, the same for everyone who ever folds it. */
export interface EntryInfo {
  /** The number of the entry that holds the transaction; the first is 1. */
  readonly seq: number;
  /** The writer's wall clock, in milliseconds since the Unix epoch. */
  readonly time: number;
  /** Who wrote the entry: the id of an engine. */
  readonly engine: string;
  /** On whose behalf. */
  readonly actor: string;
  /** The client's id of the request, if it gave one. */
  readonly request?: string;
}

/** A finished record on its way from the state's tables to history. */
export interface RetiredRecord {
  /** Its key in history, for example `commit/<id>`. */
  readonly key: string;
  /** Any JSON; null deletes what history has under the key. */
  readonly value: unknown;
  /** The table entries that leave memory once history holds the record. */
  readonly drop: readonly { readonly table: string; readonly key: string }[];
}

/**
 * A state and its operations.
 *
 * Operations are JSON. `apply` is deterministic, reads and changes nothing but the tables, does no I/O, and may refuse
 * an operation by throwing an EngineError: the transaction is then refused as a whole. It never reads, or depends on
 * the presence of, an entry that `retire` would yield: engines retire at different times and must fold equally.
 */
export interface Definition<S extends JournalState, O> {
  empty(): S;
  /** Says whether this version can apply `operation`. The engine stops at an entry with one that it can't. */
  knows(operation: unknown): operation is O;
  apply(state: S, operation: O, entry: EntryInfo): void;
  retire?(state: S): Iterable<RetiredRecord>;
}

/** What a transaction decided: the operations to commit (none: nothing changes) and what its caller gets. */
export interface Decision<O, T> {
  readonly operations: readonly O[];
  readonly result: T;
}

/** A transaction as the log holds it. */
export interface Transaction {
  readonly request?: string;
  readonly actor: string;
  readonly operations: readonly unknown[];
  /** What the caller got; kept for requests with an id. */
  readonly result?: unknown;
}

/** One object of the log: a group of transactions that became durable together. */
export interface Entry {
  readonly seq: number;
  readonly time: number;
  readonly engine: string;
  /** Random; tells two writers of the same number apart. */
  readonly writeId: string;
  readonly transactions: readonly Transaction[];
}
