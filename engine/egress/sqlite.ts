// SQLite files: with Node's own `node:sqlite` where it is there, else through SQLite compiled to WebAssembly, whose locks
// other programs do not see.

import { existsSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
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
const BUSY_MS = 10_000;
/** Files that this process writes now: two connections of one process would take each other for other programs. */
const writing = new Map<string, Promise<unknown>>();

/** One file. */
export class Sqlite implements SqlDatabase {
  readonly name: string;
  readonly #file: string;

  /** `file` is absolute, real, and allowed. */
  constructor(file: string) {
    this.name = `sqlite://${file}`;
    this.#file = file;
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
      driver.exec('BEGIN IMMEDIATE');
      await work(sessionOf(driver));
      signal.throwIfAborted();
      driver.exec('COMMIT');
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      // An open transaction is rolled back.
      driver?.close();
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
    return new EngineError(
      mayHeal ? 'unavailable' : 'failed_precondition',
      `Cannot write to ${this.name}: ${errorText(cause)}${mayHeal ? '' : '; nothing was changed there'}`,
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
  let module: { DatabaseSync: new (file: string, options: object) => BuiltIn };
  try {
    module = load('node:sqlite') as typeof module;
  } catch {
    // Node before 22.13.
    return undefined;
  }
  const database = new module.DatabaseSync(file, { timeout: BUSY_MS });
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
      JSON.stringify({ host: hostname(), pid: process.pid, start: startOf(process.pid) }),
    );
  }
}

function isDead(owner: string): boolean {
  try {
    const { host, pid, start } = JSON.parse(readFileSync(owner, 'utf8')) as Record<string, unknown>;
    return host === hostname() && startOf(Number(pid)) !== start;
  } catch {
    // Somebody else's lock.
    return false;
  }
}

/** Returns what tells a process from a later one of the same id; empty for none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    // No such process, or a system without /proc: then signal 0 tells.
  }
  try {
    process.kill(pid, 0);
    return '?';
  } catch {
    return '';
  }
}

function ownerFile(file: string): string {
  return `${file}.pfs-owner`;
}
