// An engine that only records what it is asked and gives prepared answers: for the requests of the command line and for faults.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { run } from '../../../cli/run.ts';
import { API_PREFIX } from '../../../engine/server/wire.ts';

export interface SeenRequest {
  readonly method: string;
  /** Without the prefix, decoded queries kept apart. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Answers one request; returns false to leave it to the default answer. */
export type Handler = (
  request: SeenRequest,
  response: ServerResponse,
  incoming: IncomingMessage,
) => unknown;

export class FakeEngine {
  readonly seen: SeenRequest[] = [];
  /** Set to answer otherwise than with `{}` or an empty page. */
  handler: Handler = () => false;
  /** Where set, called before the body is read. */
  early: ((response: ServerResponse, incoming: IncomingMessage) => boolean) | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((incoming, response) => {
      this.#answer(incoming, response).catch(() => incoming.destroy());
    });
  }

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine();
    await new Promise<void>((done) => engine.#server.listen(0, '127.0.0.1', done));
    return engine;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.early?.(response, incoming)) {
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      chunks.push(chunk);
    }
    const url = new URL(incoming.url ?? '/', 'http://engine');
    const request: SeenRequest = {
      method: incoming.method ?? '',
      path: url.pathname.slice(API_PREFIX.length),
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.seen.push(request);
    if ((await this.handler(request, response, incoming)) !== false) {
      return;
    }
    sendJson(response, 200, { items: [], next: null });
  }
}

export function sendJson(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(document));
}

export function sendProblem(response: ServerResponse, code: string, detail: string): void {
  sendJson(response, 400, { type: `/problems/${code}`, title: code, status: 400, code, detail });
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process against an engine. */
export async function runCli(
  argv: readonly string[],
  options: {
    readonly address?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string | Uint8Array;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const outputs = [collect(stdout), collect(stderr)] as const;
  const code = await run(argv, {
    env: {
      PFS_HOME: '/nonexistent/pfs-test',
      PFS_TOKEN: 'secret',
      ...(options.address ? { PFS_ADDRESS: options.address } : {}),
      ...options.env,
    },
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout,
    stderr,
    signal: options.signal ?? new AbortController().signal,
    now: Date.parse('2026-11-22T12:00:00Z'),
  });
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(outputs);
  return { code, stdout: out, stderr: err };
}

async function collect(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
