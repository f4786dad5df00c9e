// Egress into tables: of each top-level directory the table of its name, whose rows are replaced by those of the files. All of
// it is one transaction, so that an attempt that is cut off has changed nothing.

import { EngineError } from '../base/errors.ts';
import type { EgressTarget, Outgoing } from './outgoing.ts';
import { type Row, type RowFormat, rowsOf, type Value } from './rows.ts';

/** One connection to a database, within one transaction. */
export interface SqlSession {
  /** Returns the columns of a table in their order; undefined where there is no such table. */
  columns(table: string): Promise<readonly string[] | undefined>;
  deleteAll(table: string): Promise<void>;
  insert(table: string, rows: RowBatch): Promise<void>;
}

/** Rows of the same columns. */
export interface RowBatch {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** A database, as its adapter knows it. */
export interface SqlDatabase {
  /** Without a password. */
  readonly name: string;
  /**
   * Runs `work` in a transaction, which is committed once it resolves, and rolled back otherwise. Rejects with `unavailable`
   * what may heal.
   */
  transaction(work: (session: SqlSession) => Promise<void>, signal: AbortSignal): Promise<void>;
}

export interface SqlTargetOptions {
  readonly format: RowFormat;
  /** Those that the files hold, in order; the table's own where undefined. */
  readonly columns: readonly string[] | undefined;
}

const BATCH_ROWS = 500;
/** PostgreSQL takes 65,535, SQLite 32,766. */
const BATCH_VALUES = 30_000;
const BATCH_CHARS = 4 * 1024 * 1024;

/** The tables of a database. */
export class SqlTarget implements EgressTarget {
  readonly name: string;
  readonly #database: SqlDatabase;
  readonly #options: SqlTargetOptions;

  constructor(database: SqlDatabase, options: SqlTargetOptions) {
    this.name = database.name;
    this.#database = database;
    this.#options = options;
  }

  async send(outgoing: Outgoing, signal: AbortSignal): Promise<void> {
    await this.#database.transaction(async (session) => {
      let table: Table | undefined;
      const emptied = new Set<string>();
      for await (const file of outgoing.files()) {
        signal.throwIfAborted();
        const name = tableOf(file.path);
        if (name === undefined) {
          throw new EngineError(
            'invalid',
            `Cannot load "/${file.path}" into ${this.name}: it is in no directory, and the directory names the table; write it as "<table>/${file.path}"`,
          );
        }
        if (table?.name !== name) {
          await table?.flush();
          table = await this.#open(session, name);
          emptied.add(name);
        }
        const rows = rowsOf(outgoing.read(file), { ...this.#options, name: file.path });
        const hasHeader = this.#options.format === 'CSV';
        await table.load(rows, { file: file.path, hasHeader, signal });
      }
      await table?.flush();
      for await (const path of outgoing.gone()) {
        const name = tableOf(path);
        if (name !== undefined && !emptied.has(name)) {
          emptied.add(name);
          const isThere = (await session.columns(name)) !== undefined;
          await (isThere ? session.deleteAll(name) : undefined);
        }
      }
    }, signal);
  }

  async #open(session: SqlSession, name: string): Promise<Table> {
    const columns = await session.columns(name);
    if (columns === undefined) {
      throw new EngineError(
        'failed_precondition',
        `Cannot load rows into ${this.name}: there is no table "${name}"; create it, or name the directory after a table`,
      );
    }
    await session.deleteAll(name);
    return new Table(name, { columns, session, target: this.name });
  }
}

/** A table that is being filled. */
class Table {
  readonly name: string;
  readonly #columns: readonly string[];
  readonly #session: SqlSession;
  readonly #target: string;
  #batch: (readonly Value[])[] = [];
  #batchColumns: readonly string[] = [];
  #chars = 0;

  constructor(
    name: string,
    options: {
      readonly columns: readonly string[];
      readonly session: SqlSession;
      readonly target: string;
    },
  ) {
    this.name = name;
    this.#columns = options.columns;
    this.#session = options.session;
    this.#target = options.target;
  }

  async load(
    rows: AsyncIterable<Row>,
    place: { readonly file: string; readonly hasHeader: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    let number = 0;
    let header: readonly string[] | undefined;
    for await (const row of rows) {
      place.signal.throwIfAborted();
      number += 1;
      if (number === 1 && place.hasHeader && this.#isHeader(row)) {
        header = row.values as readonly string[];
        continue;
      }
      const columns = header ?? row.columns ?? this.#columns;
      this.#check(columns, { row, number, file: place.file });
      await this.#add(columns, row.values);
    }
  }

  async flush(): Promise<void> {
    const rows = this.#batch;
    if (rows.length > 0) {
      this.#batch = [];
      this.#chars = 0;
      await this.#session.insert(this.name, { columns: this.#batchColumns, rows });
    }
  }

  async #add(columns: readonly string[], values: readonly Value[]): Promise<void> {
    const isOther = columns.join('\0') !== this.#batchColumns.join('\0');
    const isFull =
      this.#batch.length >= BATCH_ROWS ||
      (this.#batch.length + 1) * columns.length > BATCH_VALUES ||
      this.#chars > BATCH_CHARS;
    if (isOther || isFull) {
      await this.flush();
      this.#batchColumns = columns;
    }
    this.#batch.push(values);
    for (const value of values) {
      this.#chars += typeof value === 'string' ? value.length : 0;
    }
  }

  /** A first row of nothing but names of columns is no data. */
  #isHeader({ columns, values }: Row): boolean {
    const known = columns ?? this.#columns;
    return (
      new Set(values).size === values.length &&
      values.every((value) => typeof value === 'string' && known.includes(value))
    );
  }

  #check(
    columns: readonly string[],
    at: { readonly row: Row; readonly number: number; readonly file: string },
  ): void {
    const refuse = (why: string): never => {
      throw new EngineError(
        'invalid',
        `Cannot load "/${at.file}" into table "${this.name}" of ${this.#target}: row ${at.number} ${why}`,
      );
    };
    const unknown = columns.find((column) => !this.#columns.includes(column));
    if (unknown !== undefined) {
      refuse(`has a column "${unknown}", and the table only ${this.#columns.join(', ')}`);
    }
    if (columns.length !== at.row.values.length) {
      refuse(`has ${at.row.values.length} values for ${columns.length} columns`);
    }
  }
}

function tableOf(path: string): string | undefined {
  const slash = path.indexOf('/');
  return slash < 0 ? undefined : path.slice(0, slash);
}
