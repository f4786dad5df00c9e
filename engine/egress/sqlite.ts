// SQLite files: with Node's own `node:sqlite` where it is there, else through SQLite compiled to WebAssembly, whose locks
// other programs do not see.

import { existsSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { startTime } from '../base/process-start.ts';
import type { Value } from './rows.ts';
import { insertText, quoted } from './sql-names.ts';
import type { RowBatch, SqlDatabase, SqlSession } from './sql-target.ts';

type Bound = string | null;

/** The slice of a driver that is needed. */
interface Driver {
  exec(text: string): void;
  all(text: string, values: readonly Bound[]): Record<string, unknown>[];
  run(text: string, values: readonly Bound[]): void;
  close(): void;
}

const BUSY = /locked|busy/i;
const WAIT_MS = 5000;
const TRY_MS = 50;
/** Files that this process writes now: two connections of one process would take each other for other programs. */
const writing = new Map<string, Promise<unknown>>();

/** One file. */
export class Sqlite implements SqlDatabase {
  readonly name: string;
  readonly #file: string;
  readonly #waitMs: number;

  /** `file` is absolute, real, and allowed. `waitMs`: how long it waits for other programs that hold the file. */
  constructor(file: string, { waitMs = WAIT_MS }: { readonly waitMs?: number } = {}) {
    this.name = `sqlite://${file}`;
    this.#file = file;
    this.#waitMs = waitMs;
  }

  async transaction(
    work: (session: SqlSession) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const before = writing.get(this.#file) ?? Promise.resolve();
    const done = before.then(() => this.#transaction(work, signal));
    const settled = done.catch(() => undefined);
    writing.set(this.#file, settled);
    try {
      await done;
    } finally {
      if (writing.get(this.#file) === settled) {
        writing.delete(this.#file);
      }
    }
  }

  async #transaction(
    work: (session: SqlSession) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    if (!existsSync(this.#file)) {
      throw new EngineError(
        'failed_precondition',
        `Cannot write to ${this.name}: there is no such database; create it, with its tables`,
      );
    }
    let driver: Driver | undefined;
    try {
      driver = openDriver(this.#file);
      await this.#patiently(driver, { text: 'BEGIN IMMEDIATE', signal });
      await work(sessionOf(driver));
      signal.throwIfAborted();
      // Whoever reads at the moment is in its way; the transaction stays open until it works.
      await this.#patiently(driver, { text: 'COMMIT', signal });
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      // An open transaction is rolled back.
      driver?.close();
    }
  }

  /** SQLite would wait itself, and everything else in this process with it. */
  async #patiently(
    driver: Driver,
    { text, signal }: { readonly text: string; readonly signal: AbortSignal },
  ): Promise<void> {
    for (let left = this.#waitMs; ; left -= TRY_MS) {
      try {
        driver.exec(text);
        return;
      } catch (error) {
        if (!BUSY.test(errorText(error)) || left <= 0) {
          throw error;
        }
      }
      await delay(TRY_MS, undefined, { signal });
    }
  }

  #failure(cause: unknown, signal: AbortSignal): EngineError {
    if (isEngineError(cause)) {
      return cause;
    }
    if (signal.aborted) {
      return new EngineError('cancelled', 'Cannot go on with the egress: it was stopped', {
        cause,
      });
    }
    const mayHeal = BUSY.test(errorText(cause));
    const what = mayHeal
      ? 'another program has held it locked for some time; let it end what it does there'
      : `${errorText(cause)}; nothing was changed there`;
    return new EngineError(
      mayHeal ? 'unavailable' : 'failed_precondition',
      `Cannot write to ${this.name}: ${what}`,
      { cause },
    );
  }
}

function sessionOf(driver: Driver): SqlSession {
  return {
    columns: async (table) => {
      // Hidden and generated ones can't be written.
      const found = driver.all('SELECT name, hidden FROM pragma_table_xinfo(?) ORDER BY cid', [
        table,
      ]);
      const names = found
        .filter(({ hidden }) => Number(hidden) === 0)
        .map(({ name }) => String(name));
      return names.length === 0 ? undefined : names;
    },
    deleteAll: async (table) => {
      driver.exec(`DELETE FROM ${quoted(table)}`);
    },
    insert: async (table: string, { columns, rows }: RowBatch) => {
      const shape = { columns, rows: rows.length };
      const text = insertText(quoted(table), shape, (index) => `?${index}`);
      driver.run(text, rows.flat().map(bound));
    },
  };
}

function bound(value: Value): Bound {
  return typeof value === 'boolean' ? String(Number(value)) : value;
}

const load = createRequire(import.meta.url);

function openDriver(file: string): Driver {
  const builtIn = builtInDriver(file);
  return builtIn ?? wasmDriver(file);
}

function builtInDriver(file: string): Driver | undefined {
  let module: { DatabaseSync: new (file: string) => BuiltIn };
  try {
    module = load('node:sqlite') as typeof module;
  } catch {
    // Node before 22.13.
    return undefined;
  }
  const database = new module.DatabaseSync(file);
  return {
    exec: (text) => database.exec(text),
    all: (text, values) => database.prepare(text).all(...values),
    run: (text, values) => void database.prepare(text).run(...values),
    close: () => database.close(),
  };
}

interface BuiltIn {
  exec(text: string): void;
  prepare(text: string): {
    all(...values: readonly Bound[]): Record<string, unknown>[];
    run(...values: readonly Bound[]): unknown;
  };
  close(): void;
}

function wasmDriver(file: string): Driver {
  const { Database } = load('node-sqlite3-wasm') as typeof import('node-sqlite3-wasm');
  takeLock(file);
  const database = new Database(file);
  return {
    exec: (text) => database.exec(text),
    all: (text, values) => database.all(text, [...values]),
    run: (text, values) => void database.run(text, [...values]),
    close: () => {
      database.close();
      rmSync(ownerFile(file), { force: true });
    },
  };
}

/**
 * The WebAssembly build locks by a directory, which a process that is killed leaves behind. Who took it last is noted beside
 * it, so that what a dead one has left is known for that.
 */
function takeLock(file: string): void {
  const lock = `${file}.lock`;
  const owner = ownerFile(file);
  if (existsSync(lock) && isDead(owner)) {
    rmdirSync(lock);
  }
  if (!existsSync(lock)) {
    writeFileSync(
      owner,
      JSON.stringify({ host: hostname(), pid: process.pid, start: startTime(process.pid) }),
    );
  }
}

function isDead(owner: string): boolean {
  try {
    const { host, pid, start } = JSON.parse(readFileSync(owner, 'utf8')) as Record<string, unknown>;
    return host === hostname() && startTime(Number(pid)) !== start;
  } catch {
    // Somebody else's lock.
    return false;
  }
}

function ownerFile(file: string): string {
  return `${file}.pfs-owner`;
}
