// A real PostgreSQL server for tests, of its own, on a free port.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { freePort } from './s3-server.ts';

const START_MS = 60_000;

export interface PostgresServer {
  /** `postgresql://user@host:port/database`. */
  readonly url: string;
  readonly password: string;
  /** Runs statements and returns the rows of the last one. */
  query(text: string): Promise<readonly Record<string, unknown>[]>;
  /** Stops the server at once, as a crash does; `start` has it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server, or says why there is none; with PFS_REQUIRE_TOOLS=1 that is an error. */
export async function startPostgres(): Promise<PostgresServer | { skip: string }> {
  const binaries = findBinaries();
  if (binaries === undefined) {
    const skip =
      'no PostgreSQL was found: install it (postgresql), so that initdb is on the PATH or below /usr/lib/postgresql';
    if (process.env.PFS_REQUIRE_TOOLS === '1') {
      throw new Error(skip);
    }
    return { skip };
  }
  const server = new LocalServer(binaries, await freePort());
  await server.start();
  return server;
}

class LocalServer implements PostgresServer {
  readonly password = randomBytes(9).toString('base64url');
  readonly url: string;
  readonly #binaries: string;
  readonly #port: number;
  readonly #folder: string;
  readonly #user: { readonly uid: number; readonly gid: number } | undefined;
  #child: ChildProcess | undefined;
  readonly #kill = () => void this.#child?.kill('SIGKILL');

  constructor(binaries: string, port: number) {
    this.#binaries = binaries;
    this.#port = port;
    this.url = `postgresql://pfs@127.0.0.1:${port}/postgres`;
    this.#folder = mkdtempSync(join(tmpdir(), 'pfs-postgres-'));
    // It refuses to run as root.
    this.#user = process.getuid?.() === 0 ? idsOf('postgres') : undefined;
    const passwordFile = join(this.#folder, 'password');
    writeFileSync(passwordFile, this.password);
    if (this.#user) {
      chownSync(this.#folder, this.#user.uid, this.#user.gid);
      chownSync(passwordFile, this.#user.uid, this.#user.gid);
    }
    execFileSync(
      join(binaries, 'initdb'),
      [
        ...['-D', join(this.#folder, 'data'), '-U', 'pfs', '--no-sync', '-E', 'UTF8'],
        ...['--locale=C', '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
      ],
      { ...this.#user, stdio: 'pipe', cwd: this.#folder },
    );
  }

  async start(): Promise<void> {
    const child = spawn(
      join(this.#binaries, 'postgres'),
      [
        ...['-D', join(this.#folder, 'data'), '-p', String(this.#port), '-h', '127.0.0.1'],
        ...['-k', this.#folder, '-c', 'fsync=off', '-c', 'shared_buffers=8MB'],
      ],
      { ...this.#user, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
    });
    this.#child = child;
    process.once('exit', this.#kill);
    child.once('error', (error) => {
      said += error.message;
    });
    for (const deadline = performance.now() + START_MS; ; ) {
      if (hasEnded(child) || performance.now() > deadline) {
        throw new Error(`PostgreSQL did not start: ${said}`);
      }
      try {
        await this.query('SELECT 1');
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async query(text: string): Promise<readonly Record<string, unknown>[]> {
    const url = new URL(this.url);
    url.password = this.password;
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const result: unknown = await client.query(text);
      const last = Array.isArray(result)
        ? (result.at(-1) as pg.QueryResult)
        : (result as pg.QueryResult);
      return last.rows as Record<string, unknown>[];
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child && !hasEnded(child)) {
      const gone = once(child, 'exit');
      child.kill('SIGQUIT');
      await gone;
    }
    process.off('exit', this.#kill);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

function findBinaries(): string | undefined {
  const versions = '/usr/lib/postgresql';
  const debian = existsSync(versions)
    ? readdirSync(versions).map((version) => join(versions, version, 'bin'))
    : [];
  const folders = [...debian, ...(process.env.PATH ?? '').split(delimiter)];
  return folders.find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
}

function idsOf(user: string): { readonly uid: number; readonly gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, user]).toString());
  return { uid: id('-u'), gid: id('-g') };
}
