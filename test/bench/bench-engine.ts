// An engine as its users have it: a process of its own, driven by the built command line or by a client.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineClient } from '../../cli/client.ts';
import { ENGINE_FLAGS } from '../../cli/engine-process.ts';
import { type Commit, FRAMES_TYPE } from '../../engine/server/wire.ts';
import { checkout } from '../support/cli.ts';
import { PFS, runTimed, seconds } from './program.ts';

/** As the command line starts it. */
const ENGINE = [...ENGINE_FLAGS, join(checkout, 'dist/engine/main.js')];

export interface EngineOptions {
  /** A store's URL; a folder in the home where not named. */
  readonly store?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** One file to put through the API. */
export interface SmallFile {
  readonly path: string;
  readonly data: Buffer;
}

export class BenchEngine {
  readonly home: string;
  readonly #options: EngineOptions;
  readonly #env: Readonly<Record<string, string | undefined>>;
  #process: ChildProcess | undefined;
  #client: EngineClient | undefined;

  constructor(home: string, options: EngineOptions) {
    this.home = home;
    this.#options = options;
    // Nothing of the person who measures: neither their engine nor their store.
    const theirs = Object.keys(process.env).filter((name) => name.startsWith('PFS_'));
    this.#env = {
      ...Object.fromEntries(theirs.map((name) => [name, undefined])),
      PFS_HOME: home,
      ...options.env,
    };
  }

  /** The URL of the store. */
  get store(): string {
    return this.#options.store ?? `file://${join(this.home, 'store')}`;
  }

  /** The folder of a store that is one. */
  get folder(): string {
    return fileURLToPath(this.store);
  }

  /** Where it listens. */
  get address(): string {
    return this.#record().address;
  }

  /** A client of this engine, with a connection that stays. */
  get client(): EngineClient {
    this.#client ??= new EngineClient({
      address: this.address,
      token: () => readFileSync(join(this.home, 'token'), 'utf8').trim(),
      socketOf: () => {
        const { socket } = this.#record();
        return socket && join(this.home, socket);
      },
    });
    return this.#client;
  }

  /** Starts it, as a child that cannot outlive the bench; returns the seconds until it answers. */
  async start(): Promise<number> {
    const started = performance.now();
    const child = spawn(process.execPath, ENGINE, {
      env: { ...process.env, ...this.#env, PFS_STORE: this.store },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let log = '';
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`Cannot start the engine: ${log.slice(-2000)}`)));
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-65_536);
        if (log.includes('the engine is ready')) {
          resolve();
        }
      });
    });
    return (performance.now() - started) / 1000;
  }

  /** Stops it, and waits for its end. */
  async stop(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  /** Runs `pfs`; returns what it printed. */
  async pfs(...args: readonly string[]): Promise<string> {
    return (await runTimed(process.execPath, [PFS, ...args], { env: this.#env })).stdout;
  }

  /** Runs `pfs`; returns the seconds it took as a whole process. */
  time(
    args: readonly string[],
    options: { readonly input?: AsyncIterable<Uint8Array>; readonly cwd?: string } = {},
  ): Promise<number> {
    return seconds(process.execPath, [PFS, ...args], { env: this.#env, ...options });
  }

  /** Puts files into a commit of their own over the API. */
  async put(repo: string, frames: AsyncIterable<Uint8Array>): Promise<Commit> {
    return await this.client.upload('POST /repos/{project}/{repo}/files/{ref}', {
      params: { project: 'default', repo, ref: 'master' },
      type: FRAMES_TYPE,
      query: { own: true },
      source: frames,
    });
  }

  /** The most memory it has ever had, in bytes; 0 where the system doesn't tell. */
  peakBytes(): number {
    return this.#memory('VmHWM');
  }

  /** The memory it has now, in bytes. */
  residentBytes(): number {
    return this.#memory('VmRSS');
  }

  #memory(field: string): number {
    try {
      const status = readFileSync(`/proc/${this.#process?.pid}/status`, 'utf8');
      return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    } catch {
      // No such file: another system than Linux.
      return 0;
    }
  }

  #record(): { readonly address: string; readonly socket?: string } {
    return JSON.parse(readFileSync(join(this.home, 'engine.json'), 'utf8'));
  }
}
