// A built engine as a process of the test's own, in a home of its own: started, asked over HTTP, killed and started
// again, as root or as another user who may use Docker.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { API_PREFIX, FRAMES_TYPE, type Page } from '../../engine/server/wire.ts';
import { checkout, containersOf } from './cli.ts';
import { asUser, type OtherUser } from './docker-user.ts';
import { frames, readAll } from './server.ts';

export interface EngineHomeOptions {
  /** Who runs the engine; whoever runs the test where not named. */
  readonly user?: OtherUser | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Ask {
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer;
  readonly type?: string;
  /** Makes a write that is tried again the same write. */
  readonly key?: string;
}

export class EngineHome {
  readonly folder: string;
  readonly home: string;
  readonly #options: EngineHomeOptions;
  #engine: ChildProcess | undefined;
  #address = '';
  /** The last lines that the engine logged. */
  readonly log: string[] = [];

  constructor(options: EngineHomeOptions = {}) {
    this.#options = options;
    this.folder = mkdtempSync(join(realpathSync(tmpdir()), 'pfs-engine-home-'));
    this.home = join(this.folder, 'home');
    if (options.user) {
      chownSync(this.folder, options.user.uid, options.user.gid);
    }
  }

  get pid(): number | undefined {
    return this.#engine?.pid;
  }

  /** Starts the process, and resolves when it serves; with `false` when it ended, or was killed, before. */
  async start(): Promise<boolean> {
    const engine = this.#spawn();
    const lines = createInterface({ input: engine.stdout ?? process.stdin });
    const ready = (async () => {
      for await (const line of lines) {
        this.log.push(line);
        if (line.includes('"the engine is ready"')) {
          this.#address = String((JSON.parse(line) as { address: string }).address);
          return true;
        }
      }
      return false;
    })();
    const isReady = await ready;
    lines.on('line', (line) => {
      this.log.push(line);
      this.log.splice(0, this.log.length - 200);
    });
    lines.resume();
    return isReady;
  }

  #spawn(): ChildProcess {
    const argv = [process.execPath, join(checkout, 'dist/engine/main.js')];
    const { user, env } = this.#options;
    const [program = '', ...words] = user ? asUser(user, argv) : argv;
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PFS_'));
    const engine = spawn(program, words, {
      cwd: this.folder,
      env: {
        ...Object.fromEntries(inherited),
        ...(user ? { HOME: this.folder, TMPDIR: this.folder } : {}),
        PFS_HOME: this.home,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#engine = engine;
    return engine;
  }

  /** Kills the engine where it stands; resolves when the process is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const engine = this.#engine;
    if (engine && engine.exitCode === null && engine.signalCode === null) {
      const gone = once(engine, 'exit');
      engine.kill(signal);
      await gone;
    }
  }

  /** Sends a request to a path below the API's prefix; rejects when nobody answers. */
  async ask(
    method: string,
    path: string,
    { body, type, key }: Ask = {},
  ): Promise<{ readonly status: number; readonly bytes: Buffer }> {
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
    const contentType = type ?? (isJson ? 'application/json' : 'text/plain; charset=utf-8');
    const request = httpRequest(this.#address + API_PREFIX + path, {
      method,
      agent: false,
      headers: {
        authorization: `Bearer ${readFileSync(join(this.home, 'token'), 'utf8').trim()}`,
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
    });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    request.end(isJson ? JSON.stringify(body) : body);
    const [response] = await answered;
    return { status: response.statusCode ?? 0, bytes: await readAll(response) };
  }

  /** Asks for a document, which must come. */
  async json<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
    const { status, bytes } = await this.ask(method, path, ask);
    assert.equal(status, 200, `${method} ${path} was answered with ${status}: ${bytes}`);
    return JSON.parse(bytes.toString()) as T;
  }

  /** Returns all items of a list. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let after = ''; ; ) {
      const page: Page<T> = await this.json('GET', `${path}?limit=1000${after}`);
      items.push(...page.items);
      if (page.next === null) {
        return items;
      }
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }

  /** Returns the content of `repo@ref:/path` of the default project. */
  async read(repo: string, ref: string, path: string): Promise<string> {
    const query = `path=${encodeURIComponent(path)}`;
    const { status, bytes } = await this.ask(
      'GET',
      `/repos/default/${repo}/files/${ref}/content?${query}`,
    );
    assert.equal(status, 200, `${repo}@${ref}:${path} was answered with ${status}: ${bytes}`);
    return bytes.toString();
  }

  /** Puts files into a commit of their own on `master`, once; the answer is the request's. */
  async put(
    repo: string,
    files: Readonly<Record<string, string>>,
    key = randomBytes(16).toString('hex'),
  ): Promise<{ readonly status: number; readonly bytes: Buffer }> {
    const ask = { body: frames(files), type: FRAMES_TYPE, key };
    return await this.ask('POST', `/repos/default/${repo}/files/master?own=true`, ask);
  }

  async createPipeline(spec: object): Promise<void> {
    await this.json('POST', '/pipelines', { body: JSON.stringify(spec) });
  }

  /** Returns the ids of the containers that are this engine's, by what they have mounted or by their label. */
  containers(): readonly string[] {
    const instance = readFileSync(join(this.home, 'instance'), 'utf8').trim();
    const args = ['ps', '-aq', '--no-trunc', '--filter', `label=pfs.instance=${instance}`];
    const labelled = execFileSync('docker', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
    return [...new Set([...labelled, ...containersOf(this.folder)])];
  }

  /** Ends the engine and removes everything. */
  async remove(): Promise<void> {
    await this.kill();
    for (const id of this.containers()) {
      try {
        execFileSync('docker', ['rm', '--force', id], { stdio: 'ignore' });
      } catch {
        // It is on its way out already.
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
