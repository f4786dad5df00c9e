// A server of the API in the test's own process, over a store in memory, at a real port of loopback.

import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { Workbench } from '../../engine/jobs/workbench.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import {
  encodeFrameEnd,
  encodeFrameHeader,
  FRAME_EXECUTABLE,
  FRAME_FILE,
} from '../../engine/server/frames.ts';
import { Metrics } from '../../engine/server/metrics.ts';
import { makeServer } from '../../engine/server/server.ts';
import { API_PREFIX, FRAMES_TYPE, type Page, type Problem } from '../../engine/server/wire.ts';
import { Upkeep } from '../../engine/upkeep/upkeep.ts';
import { TestEngine, type TestEngineOptions } from './engine.ts';
import { scratchDirectory } from './scratch.ts';

type Test = Parameters<typeof TestEngine.start>[0];

const CHANCE = { clock: new SystemClock(), random: new SystemRandom() };

export const TOKEN = 'a-token-for-tests';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly text: string;
}

export interface Ask {
  readonly headers?: OutgoingHttpHeaders;
  /** An object is sent as JSON, anything else as it is. */
  readonly body?: object | string | Buffer;
  readonly token?: string | null;
  readonly key?: string;
}

export interface TestServerOptions extends TestEngineOptions {
  /** The folder of the page's files; none where not named. */
  readonly pageDirectory?: string;
  /** None where not named. */
  readonly trustedProxies?: readonly string[];
}

/** A server, and few words to ask it. */
export class TestServer {
  readonly engine: TestEngine;
  readonly port: number;
  /** What the engine's log would say. */
  readonly faults: unknown[];
  /** Emits `stop` when a client asks the engine to end. */
  readonly events: EventEmitter;
  /** The folder of what is on its way. */
  readonly scratch: string;

  /** Every route it has, as `METHOD /path`. */
  readonly routes: readonly string[];

  /** Aborting it lets the engine begin to end. */
  readonly ending: AbortController;

  /** Ends the server, as the engine does when it is stopped. */
  readonly close: () => Promise<void>;

  private constructor(
    parts: Pick<
      TestServer,
      'engine' | 'port' | 'faults' | 'events' | 'scratch' | 'routes' | 'ending' | 'close'
    >,
  ) {
    this.engine = parts.engine;
    this.port = parts.port;
    this.faults = parts.faults;
    this.events = parts.events;
    this.scratch = parts.scratch;
    this.routes = parts.routes;
    this.ending = parts.ending;
    this.close = parts.close;
  }

  /** Starts a server that ends with the test. */
  static async start(t: Test, options: TestServerOptions = {}): Promise<TestServer> {
    const engine = await TestEngine.start(t, options);
    const { pfs, pool, hosting, logs, secrets, gits, scheduler } = engine;
    const faults: unknown[] = [];
    const events = new EventEmitter();
    const scratch = mkdtempSync(join(tmpdir(), 'pfs-test-server-'));
    t.after(() => rmSync(scratch, { recursive: true, force: true }));
    const ending = new AbortController();
    const server = makeServer(
      {
        context: pfs.context,
        queue: new CommitQueue(pfs.context),
        upkeep: new Upkeep(pfs.context, {
          self: 'test',
          isAlive: () => true,
          graceMs: 24 * 60 * 60 * 1000,
          collectEveryMs: 0,
          compacts: true,
          onProblem: (error) => void faults.push(error),
        }),
        pool,
        workbench: new Workbench({ context: pfs.context, pool, scratch: scratchDirectory(t) }),
        hosting,
        logs,
        secrets,
        metrics: new Metrics({ ofProcess: false }),
        caches: { packs: pfs.context.packs.cache.counts },
        gits,
        version: '1.2.3',
        id: 'run',
        storeUrl: 'memory:',
        scratch,
        executorKind: 'docker',
        started: 0,
        executorHealth: () => Promise.resolve({ ok: true, notes: [] }),
        runningJobs: () => scheduler.running,
        shutDown: () => void events.emit('stop'),
        store: {
          bucket: engine.store,
          ...CHANCE,
          context: pfs.context,
          directories: {},
          node: process.version,
          openStore: (url) => FilesystemObjectStore.open(fileURLToPath(url), CHANCE),
          executorHealth: () => Promise.resolve({ ok: true, notes: ['a fake'] }),
        },
      },
      {
        token: TOKEN,
        allowedHosts: ['pfs.example'],
        trustedProxies: options.trustedProxies ?? [],
        pageDirectory: options.pageDirectory ?? '/nowhere',
        onFault: (error, request) => {
          faults.push(error);
          events.emit('fault', error, request);
        },
        ending: ending.signal,
        lastWordsMs: 2000,
        newId: () => CHANCE.random.bytes(16).toString('hex'),
        onAnswered: (answered) => void events.emit('answered', answered),
        ...(options.tracer ? { tracer: options.tracer } : {}),
      },
    );
    await server.listen({ host: '127.0.0.1', port: 0 });
    t.after(() => server.close());
    const { port } = server.server.address() as AddressInfo;
    const routes = routesOf(server.printRoutes({ commonPrefix: false }));
    const close = () => {
      ending.abort();
      return server.close();
    };
    return new TestServer({ engine, port, faults, events, scratch, routes, ending, close });
  }

  /** Sends a request and resolves with the response, of which nothing has been read. */
  open(method: string, path: string, ask: Ask = {}): Promise<IncomingMessage> {
    const { body, token = TOKEN, key } = ask;
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
    const headers: OutgoingHttpHeaders = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(isJson ? { 'content-type': 'application/json' } : {}),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...ask.headers,
    };
    return new Promise((resolve, reject) => {
      const { port } = this;
      const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
      request.once('response', resolve);
      request.once('error', reject);
      request.end(isJson ? JSON.stringify(body) : body);
    });
  }

  /** Sends a request to a path below the API's prefix and resolves with the whole answer. */
  async ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const response = await this.open(method, API_PREFIX + path, ask);
    const bytes = await readAll(response);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      bytes,
      text: bytes.toString(),
    };
  }

  /** Asks for a document, which must come. */
  async json<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
    const { status, text } = await this.ask(method, path, ask);
    if (status !== 200) {
      throw new Error(`${method} ${path} was answered with ${status}: ${text}`);
    }
    return JSON.parse(text) as T;
  }

  /** Asks for what must be refused, and returns the reason. */
  async problem(method: string, path: string, ask: Ask = {}): Promise<Problem> {
    const { status, text, headers } = await this.ask(method, path, ask);
    const problem = JSON.parse(text) as Problem;
    if (status < 400 || problem.status !== status) {
      throw new Error(`${method} ${path} was answered with ${status}: ${text}`);
    }
    if (headers['content-type']?.startsWith('application/problem+json') !== true) {
      throw new Error(`a problem came as ${headers['content-type']}`);
    }
    return problem;
  }

  /** Walks a list to its end, `limit` items at a time. */
  async all<T>(path: string, limit = 1): Promise<T[]> {
    const items: T[] = [];
    let next: string | null = null;
    do {
      const after: string = next === null ? '' : `&after=${encodeURIComponent(next)}`;
      const page: Page<T> = await this.json(
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${after}`,
      );
      items.push(...page.items);
      if (page.items.length > limit) {
        throw new Error(`a page has ${page.items.length} items`);
      }
      ({ next } = page);
    } while (next !== null);
    return items;
  }

  /** Puts files into a branch of a repo of the default project. */
  async put(
    to: string,
    files: Readonly<Record<string, string | Buffer>>,
    ask: Ask & { readonly query?: string } = {},
  ): Promise<Answer> {
    const [repo = '', ref = 'master'] = to.split('@');
    return await this.ask('POST', `/repos/default/${repo}/files/${ref}${ask.query ?? ''}`, {
      ...ask,
      headers: { 'content-type': FRAMES_TYPE, ...ask.headers },
      body: frames(files),
    });
  }
}

/** Encodes files, by path, as one stream of frames. A name that begins with `*` is of an executable file. */
export function frames(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, data]) => {
    const bytes = Buffer.from(data);
    const isExecutable = name.startsWith('*');
    const kind = isExecutable ? FRAME_EXECUTABLE : FRAME_FILE;
    return [encodeFrameHeader(kind, isExecutable ? name.slice(1) : name, bytes.length), bytes];
  });
  return Buffer.concat([...parts, encodeFrameEnd(Object.keys(files).length)]);
}

/** Returns all that a response brings. */
export async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns a fresh idempotency key. */
export function newKey(): string {
  return randomBytes(16).toString('hex');
}

/** Reads the tree of routes that a server prints. */
function routesOf(tree: string): string[] {
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', path = '', methods = ''] =
      /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (path === '') {
      return [];
    }
    const depth = indent.length / 4;
    above.splice(depth, above.length, path);
    return methods === ''
      ? []
      : methods.split(', ').map((method) => `${method} ${above.join('').replace(/^\*/, '/*')}`);
  });
}
