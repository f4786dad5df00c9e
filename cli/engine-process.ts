// Starts, finds and stops the engine of this user on this machine. The only file that spawns or ends a process.

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { get as getOverTls } from 'node:https';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { API_PREFIX } from '../engine/server/wire.ts';
import { CliError, fileError } from './cli-error.ts';
import type { EngineRecord, Home } from './home.ts';
import { isAlive } from './process-life.ts';

/** The engine refuses to be the second one on a home with this exit code. */
const ALREADY_RUNNING = 3;
/** How long a start may take: a large journal is read first. */
const START_MS = 60_000;
/** How long the record of an engine that runs already may be missing: it is about to write it, or to end. */
const FOUND_MS = 10_000;

export interface StartOptions {
  readonly home: Home;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A store's URL or folder, as in `--store`. */
  readonly store?: string | undefined;
  /** What runs user code; containers unless told. */
  readonly executor?: 'docker' | 'process' | undefined;
  readonly signal?: AbortSignal;
  /** `host:port` to listen at, instead of any free port of loopback. */
  readonly listen?: string | undefined;
  /** What to run instead of the engine that came with this command line. */
  readonly command?: readonly [command: string, args: readonly string[]];
}

/** Returns the running engine, started where none ran. Two callers at once start one. */
export async function startEngine(options: StartOptions): Promise<EngineRecord> {
  const { home } = options;
  const store = chooseStore(options);
  const running = await findRunning(home);
  if (running) {
    return running;
  }
  try {
    mkdirSync(home.folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(`create the folder "${home.folder}"`, error);
  }
  if (!takeLock(home)) {
    return waitForRecord(options, undefined);
  }
  try {
    const record = await launch(options, store);
    rememberStore(home, store ?? record.store);
    return record;
  } finally {
    rmSync(home.lockFile, { force: true });
  }
}

/** Runs the engine in this terminal until it ends; returns its exit code. */
export async function runEngine(options: StartOptions): Promise<number> {
  const store = chooseStore(options);
  mkdirSync(options.home.folder, { recursive: true, mode: 0o700 });
  const [command, args] = options.command ?? engineCommand();
  const child = spawn(command, args, { stdio: 'inherit', env: engineEnv(options, store) });
  const ended = new Promise<Error>((end) => {
    child.once('exit', () => end(new CliError('unreachable', 'The engine has ended')));
  });
  // Only a store that could be opened is remembered.
  waitForRecord(options, ended).then(
    (record) => rememberStore(options.home, store ?? record.store),
    () => undefined,
  );
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on('SIGTERM', forward);
  // The terminal sends Ctrl-C to the engine too; here it must only not end the wait.
  process.on('SIGINT', () => undefined);
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

/** Returns the engine that answers at the address this home's last engine left, if one does. */
export async function findRunning(home: Home): Promise<EngineRecord | undefined> {
  const record = home.engine();
  return record && isAlive(record.pid) && (await isHealthy(record.address)) ? record : undefined;
}

/** Returns the store to start on; one other than the home has is refused, also where its engine already runs. */
function chooseStore({ home, env, store }: StartOptions): string | undefined {
  const asked = storeUrl(store ?? env.PFS_STORE);
  const known = home.store();
  const running = home.engine()?.store;
  if (asked && (known ?? running) && asked !== known && asked !== running) {
    throw new CliError(
      'failed_precondition',
      `Cannot start the engine on "${asked}": ${home.folder} was set up with "${known ?? running}"; use another PFS_HOME for another store`,
    );
  }
  return known ?? asked;
}

/** A folder becomes a `file:///` URL; anything with a scheme stays. */
function storeUrl(store: string | undefined): string | undefined {
  if (!store) {
    return undefined;
  }
  return /^[a-z0-9]+:/.test(store) ? store : pathToFileURL(resolve(store)).href;
}

function rememberStore(home: Home, store: string | undefined): void {
  if (store && home.store() !== store) {
    home.configure({ store });
  }
}

function takeLock(home: Home): boolean {
  for (const _ of [1, 2]) {
    try {
      writeFileSync(home.lockFile, String(process.pid), { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EEXIST') {
        throw fileError(`write "${home.lockFile}"`, error);
      }
      if (isLockHeld(home)) {
        return false;
      }
      // Its holder was killed. Should another take it at this instant, the engine itself lets only one run.
      rmSync(home.lockFile, { force: true });
    }
  }
  return false;
}

function isLockHeld(home: Home): boolean {
  try {
    const holder = Number(readFileSync(home.lockFile, 'utf8'));
    return holder > 0 && isAlive(holder);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') {
      return false;
    }
    throw fileError(`read "${home.lockFile}"`, error);
  }
}

async function launch(options: StartOptions, store: string | undefined): Promise<EngineRecord> {
  const { home } = options;
  const [command, args] = options.command ?? engineCommand();
  const log = openSync(home.logFile, 'a', 0o600);
  const logStart = statSync(home.logFile).size;
  const child = spawn(command, args, {
    cwd: home.folder,
    detached: true,
    env: engineEnv(options, store),
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<Error>((end) => {
    child.once('error', end);
    child.once('exit', (code, signal) => {
      const reason = lastError(home.logFile, logStart);
      const how = reason || `it ended with ${signal ?? `code ${code}`}; see pfs engine logs`;
      end(
        code === ALREADY_RUNNING
          ? new AlreadyRunning('unreachable', how)
          : new CliError('unreachable', `Cannot start the engine: ${how}`),
      );
    });
  });
  try {
    return await waitForRecord(options, ended);
  } catch (error) {
    if (error instanceof AlreadyRunning) {
      const never = new Promise<Error>((end) => setTimeout(end, FOUND_MS, error).unref());
      return await waitForRecord(options, never);
    }
    throw error;
  } finally {
    child.removeAllListeners();
    child.unref();
  }
}

class AlreadyRunning extends CliError {}

/** Waits until an engine has written its record and answers; `ended` says that it never will. */
async function waitForRecord(
  { home, signal }: StartOptions,
  ended: Promise<Error> | undefined,
): Promise<EngineRecord> {
  const until = Date.now() + START_MS;
  const watcher = watch(home.folder);
  let failure: Error | undefined;
  ended?.then(
    (error) => {
      failure = error;
      watcher.emit('change');
    },
    () => undefined,
  );
  try {
    for (;;) {
      const record = await findRunning(home);
      if (record) {
        return record;
      }
      if (failure) {
        throw failure;
      }
      if (signal?.aborted) {
        throw new CliError('interrupted', 'Interrupted');
      }
      if (
        Date.now() > until ||
        (!ended && !existsSync(home.lockFile) && Date.now() > until - START_MS + 5000)
      ) {
        throw new CliError(
          'unreachable',
          `Cannot start the engine: it does not answer after ${START_MS / 1000} s; see pfs engine logs`,
        );
      }
      await changed(watcher);
    }
  } finally {
    watcher.close();
  }
}

/** Resolves at the next change of the folder, or after a moment: not every file system tells of changes. */
async function changed(watcher: ReturnType<typeof watch>): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      watcher.off('change', done);
      resolve();
    };
    const timer = setTimeout(done, 200);
    watcher.once('change', done);
  });
}

/**
 * Data that passes through the engine is garbage a moment later. Left to itself, V8 looks through all that is alive for every
 * 16 MiB of it, a quarter of the work of a large upload; from here on it first waits for so many MiB. Beyond that it lets garbage
 * grow to several times what is alive, which is memory that nobody gets back; half as much again costs no time that can be seen.
 */
export const ENGINE_FLAGS = ['--initial-old-space-size=192', '--heap-growing-percent=50'];

function engineCommand(): readonly [string, readonly string[]] {
  const own = fileURLToPath(import.meta.url);
  if (own.endsWith('.ts')) {
    const main = fileURLToPath(new URL('../engine/main.ts', import.meta.url));
    return [process.execPath, [...ENGINE_FLAGS, '--import', import.meta.resolve('tsx'), main]];
  }
  const main = fileURLToPath(new URL('../engine/main.js', import.meta.url));
  return [process.execPath, [...ENGINE_FLAGS, main]];
}

function engineEnv(options: StartOptions, store: string | undefined): NodeJS.ProcessEnv {
  return {
    ...options.env,
    PFS_HOME: options.home.folder,
    ...(store ? { PFS_STORE: store } : {}),
    ...(options.executor ? { PFS_EXECUTOR: options.executor } : {}),
    ...(options.listen ? { PFS_LISTEN: options.listen } : {}),
  };
}

/** Returns the last message in the log after `start`: of a JSON line its `msg`, else the line. */
function lastError(file: string, start: number): string {
  const lines = readFileSync(file).subarray(start).toString('utf8').trim().split('\n');
  const last = lines.findLast((line) => /^\{.*"level":(?:[5-9]0)/.test(line)) ?? lines.at(-1) ?? '';
  try {
    const entry = JSON.parse(last) as { msg?: unknown; err?: { message?: unknown } };
    return String(entry.err?.message ?? entry.msg ?? last);
  } catch {
    // Plain text, as from Node itself.
    return last;
  }
}

async function isHealthy(address: string): Promise<boolean> {
  return new Promise((done) => {
    const route = `${API_PREFIX}/version`;
    const answer = (response: IncomingMessage): void => {
      response.resume();
      done(response.statusCode === 200);
    };
    const request = address.startsWith('unix:')
      ? get({ socketPath: address.slice('unix:'.length), path: route, timeout: 5000 }, answer)
      : address.startsWith('https:')
        ? // Whether something answers is no secret, and nothing secret is sent.
          getOverTls(new URL(route, address), { timeout: 5000, rejectUnauthorized: false }, answer)
        : get(new URL(route, address), { timeout: 5000 }, answer);
    request.once('timeout', () => request.destroy());
    // Nothing listens, or not yet.
    request.once('error', () => done(false));
  });
}
