// PostgreSQL, through `pg`. Passwords are in no message.

import pg from 'pg';
import { EngineError, errorText, isEngineError, systemCode } from '../base/errors.ts';
import { insertText, quotedTable } from './sql-names.ts';
import type { RowBatch, SqlDatabase, SqlSession } from './sql-target.ts';

const CONNECT_MS = 15_000;
/** Lost connections, a server that starts or stops, conflicts with others: what passes by itself. */
const PASSING = /^(?:08|40|53|55|57)/;
const PASSING_SYSTEM = /^(?:ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)/;

/** One database. */
export class Postgres implements SqlDatabase {
  readonly name: string;
  readonly #connection: pg.ClientConfig;
  readonly #password: string | undefined;

  /** `url` as `postgresql://user@host:port/database?sslmode=…`. */
  constructor(url: string, password: string | undefined) {
    this.name = url.replace(/\?.*$/, '');
    this.#password = password;
    this.#connection = { connectionString: withPassword(url, password) };
  }

  async transaction(
    work: (session: SqlSession) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const client = new pg.Client({
      ...this.#connection,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'pfs',
    });
    // Without a listener a connection that breaks while nothing is asked would end the process.
    let broken: unknown;
    client.on('error', (error) => {
      broken = error;
    });
    const cut = () => void client.end().catch(() => undefined);
    signal.addEventListener('abort', cut, { once: true });
    try {
      await client.connect();
      await client.query('BEGIN');
      await work(sessionOf(client));
      signal.throwIfAborted();
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw this.#failure(broken ?? error, signal);
    } finally {
      signal.removeEventListener('abort', cut);
      await client.end().catch(() => undefined);
    }
  }

  #failure(cause: unknown, signal: AbortSignal): EngineError {
    if (signal.aborted) {
      return new EngineError('cancelled', 'Cannot go on with the egress: it was stopped', {
        cause,
      });
    }
    if (isEngineError(cause)) {
      return cause;
    }
    const code = systemCode(cause) ?? '';
    const said = errorText(cause);
    const isLost = code === '' && /terminated|timeout|closed/i.test(said);
    const mayHeal = isLost || PASSING.test(code) || PASSING_SYSTEM.test(code);
    const password = this.#password ?? '';
    const text = (said || code).replaceAll(password === '' ? '\0' : password, '…');
    return new EngineError(
      mayHeal ? 'unavailable' : 'failed_precondition',
      `Cannot write to ${this.name}: ${text}${mayHeal ? '' : '; nothing was changed there'}`,
      { cause },
    );
  }
}

function sessionOf(client: pg.Client): SqlSession {
  return {
    columns: async (table) => {
      const found = await client.query<{ name: string }>(
        `SELECT attname AS name FROM pg_attribute
          WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
          ORDER BY attnum`,
        [quotedTable(table)],
      );
      return found.rows.length === 0 ? undefined : found.rows.map(({ name }) => name);
    },
    deleteAll: async (table) => {
      const name = quotedTable(table);
      // Who replaces rows at the same time waits until these are committed, and sees them; readers do not wait.
      await client.query(`LOCK TABLE ${name} IN SHARE ROW EXCLUSIVE MODE`);
      await client.query(`DELETE FROM ${name}`);
    },
    insert: async (table: string, { columns, rows }: RowBatch) => {
      const shape = { columns, rows: rows.length };
      const text = insertText(quotedTable(table), shape, (index) => `$${index}`);
      await client.query(text, rows.flat());
    },
  };
}

/** Puts the password in, in its encoded form; whatever the URL says of one was refused before. */
function withPassword(url: string, password: string | undefined): string {
  const full = new URL(url);
  if (password !== undefined) {
    full.password = encodeURIComponent(password);
  }
  return full.href;
}
