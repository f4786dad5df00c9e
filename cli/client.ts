// A typed HTTP client for the engine's API. Knows requests, streams and problems; no command and no terminal.

import { randomBytes } from 'node:crypto';
import type {
  ClientRequest,
  IncomingMessage,
  OutgoingHttpHeaders,
  RequestOptions,
} from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { parseLines } from '../client/json-lines.ts';
import {
  API_PREFIX,
  FRAMES_TYPE,
  type Page,
  type Problem,
  TRANSACTION_HEADER,
  VERSION_HEADER,
} from '../engine/server/wire.ts';
import { CliError, problemError } from './cli-error.ts';
import { parseBody, queryText, readProblem, readText } from './client-answers.ts';
import { connectionError, isBroken } from './connection-error.ts';
import { pour, pourMeanwhile } from './pour.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ClientOptions {
  /** `http://host:port`, `https://host:port` or `unix:/path/to/socket`. */
  readonly address: string;
  /** The home whose own engine this is; undefined where the user gave an address. */
  readonly ofHome?: string;
  /** Whom to trust over TLS, beside those that Node trusts. */
  readonly trust?: Pick<ConnectionOptions, 'ca' | 'checkServerIdentity'>;
  /** Asked again for each request, since a new engine makes its token when it first starts. */
  readonly token: () => string | undefined;
  readonly signal?: AbortSignal;
  /**
   * Called when nothing listens at the address, before any byte was sent; resolves to the address to try
   * instead, or undefined to give up.
   */
  readonly onRefused?: () => Promise<string | undefined>;
  /** Called with the route of each document that is sent and part of no transaction. */
  readonly onWrite?: (route: string) => void;
  /** Called with the engine's version, once. */
  readonly onVersion?: (version: string) => void;
}

/** An answer of bytes. */
export interface Opened {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** It holds only the range that was asked for. */
  readonly isPart: boolean;
  readonly etag: string | undefined;
  /** How many bytes there are; NaN where the answer does not say. */
  readonly size: number;
}

export interface Sending {
  readonly query?: Query;
  readonly body?: unknown;
  /** The transaction to add to, instead of changing anything at once. */
  readonly transaction?: string | undefined;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Query | undefined;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | AsyncIterable<Uint8Array>;
  /** The answer comes while the body is sent. */
  readonly isConversation?: boolean;
}

const PLAIN_TEXT = { 'content-type': 'text/plain; charset=utf-8' };
/** Writes without a streamed body are tried this often when the connection breaks. */
const TRIES = 3;

/** Builds a path of the API; every value becomes one encoded segment. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, i) => text + encodeURIComponent(values[i - 1] ?? '') + part);
}

/** One engine, at one address. */
export class Client {
  readonly #options: ClientOptions;
  readonly #agent = new Agent({ keepAlive: true });
  #tlsAgent: TlsAgent | undefined;
  #address: string;
  #sawVersion = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#address = options.address;
  }

  get address(): string {
    return this.#address;
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
    this.#tlsAgent?.destroy();
  }

  /** Reads one document. */
  async get<T>(route: string, query?: Query): Promise<T> {
    return (await this.#json({ method: 'GET', path: route, query })) as T;
  }

  /** Writes: sends `body` as JSON, or as it is where it is text, under one idempotency key for all tries. */
  async send<T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    route: string,
    options: Sending = {},
  ): Promise<T> {
    const { body, transaction } = options;
    const text = typeof body === 'string';
    const headers: OutgoingHttpHeaders = { 'idempotency-key': randomBytes(16).toString('hex') };
    if (transaction !== undefined) {
      headers[TRANSACTION_HEADER] = transaction;
    } else {
      this.#options.onWrite?.(route);
    }
    if (body !== undefined) {
      Object.assign(headers, text ? PLAIN_TEXT : { 'content-type': 'application/json' });
    }
    return (await this.#json({
      method,
      path: route,
      query: options.query,
      headers,
      ...(body === undefined ? {} : { body: text ? body : JSON.stringify(body) }),
    })) as T;
  }

  /** Sends a stream of file frames once; a broken connection is an error, since the source cannot be read twice. */
  async upload<T>(
    route: string,
    options: {
      readonly query?: Query;
      readonly source: AsyncIterable<Uint8Array>;
      readonly isGzipped?: boolean;
    },
  ): Promise<T> {
    return (await this.#json({
      method: 'POST',
      path: route,
      query: options.query,
      headers: {
        'content-type': FRAMES_TYPE,
        'idempotency-key': randomBytes(16).toString('hex'),
        ...(options.isGzipped ? { 'content-encoding': 'gzip' } : {}),
      },
      body: options.source,
    })) as T;
  }

  /** Sends a stream and yields the bytes of the answer, side by side. What breaks one off breaks off the other. */
  async converse(
    route: string,
    options: { readonly type: string; readonly source: AsyncIterable<Uint8Array> },
  ): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#request({
      method: 'POST',
      path: route,
      headers: { 'content-type': options.type },
      body: options.source,
      isConversation: true,
    });
    return this.#guarded(response);
  }

  /** Yields the documents of a stream of JSON lines as they arrive, in answer to `text` where it is given. Throws the problem that ends it. */
  async *lines<T extends object>(
    route: string,
    query?: Query,
    options: { readonly text?: string } = {},
  ): AsyncIterable<T> {
    const { text } = options;
    const response = await this.#request(
      text === undefined
        ? { method: 'GET', path: route, query }
        : { method: 'POST', path: route, query, headers: PLAIN_TEXT, body: text },
    );
    try {
      for await (const document of parseLines<T | { problem: Problem }>(response)) {
        if ('problem' in document && Object.keys(document).length === 1) {
          throw problemError(document.problem);
        }
        yield document as T;
      }
    } catch (error) {
      throw this.#broken(error, 'while it answered');
    } finally {
      response.destroy();
    }
  }

  /** Starts to read bytes. The result ends with an error when the connection breaks. */
  async bytes(route: string, query?: Query): Promise<AsyncIterable<Uint8Array>> {
    return (await this.open(route, { query })).bytes;
  }

  /** As {@link Client.bytes}, with what the answer says of them. */
  async open(
    route: string,
    options: { readonly query?: Query | undefined; readonly headers?: OutgoingHttpHeaders },
  ): Promise<Opened> {
    const { query, headers = {} } = options;
    const response = await this.#request({ method: 'GET', path: route, query, headers });
    return {
      isPart: response.statusCode === 206,
      etag: response.headers.etag,
      size: Number(response.headers['content-length'] ?? Number.NaN),
      bytes: this.#guarded(response),
    };
  }

  /** Yields all items of a list, page by page, from `query.after` on. */
  async *pages<T>(route: string, query: Query = {}): AsyncIterable<readonly T[]> {
    let { after } = query;
    for (;;) {
      const page = await this.get<Page<T>>(route, { ...query, after });
      yield page.items;
      if (page.next === null) {
        return;
      }
      after = page.next;
    }
  }

  /** Yields all items of a list, one at a time, and at most `limit`. */
  async *items<T>(route: string, query: Query = {}, limit = Infinity): AsyncIterable<T> {
    let left = limit;
    const bounded = Number.isFinite(limit) ? { limit: Math.min(limit, 1000) } : {};
    for await (const items of this.pages<T>(route, { ...query, ...bounded })) {
      for (const item of items) {
        if (left <= 0) {
          return;
        }
        left -= 1;
        yield item;
      }
      if (left <= 0) {
        return;
      }
    }
  }

  async *#guarded(response: IncomingMessage): AsyncIterable<Uint8Array> {
    try {
      yield* response as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw this.#broken(error, 'while it sent data');
    } finally {
      response.destroy();
    }
  }

  async #json(call: Call): Promise<unknown> {
    const response = await this.#request(call);
    const text = await readText(response).catch((error: unknown) => {
      throw this.#broken(error, 'while it answered');
    });
    return parseBody(text, this.#address);
  }

  /** Sends a request and returns its successful response. */
  async #request(call: Call): Promise<IncomingMessage> {
    const streamed = typeof call.body === 'object';
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await this.#attempt(call);
        this.#noteVersion(response);
        if ((response.statusCode ?? 0) >= 400) {
          throw await readProblem(response, this.#address);
        }
        return response;
      } catch (error) {
        if (error instanceof CliError) {
          throw error;
        }
        const code = (error as { code?: unknown } | null)?.code;
        if (code === 'ECONNREFUSED' || code === 'ENOENT') {
          const address = attempt === 1 ? await this.#options.onRefused?.() : undefined;
          if (address) {
            this.#address = address;
            continue;
          }
        } else if (isBroken(error) && !streamed && attempt < TRIES) {
          continue;
        }
        throw this.#broken(error, 'before it answered');
      }
    }
  }

  async #attempt(call: Call): Promise<IncomingMessage> {
    const options: RequestOptions = {
      method: call.method,
      path: API_PREFIX + call.path + queryText(call.query),
      agent: this.#agent,
      headers: { accept: 'application/json', ...call.headers },
      ...(this.#options.signal ? { signal: this.#options.signal } : {}),
    };
    const token = this.#options.token();
    if (token) {
      options.headers = { ...options.headers, authorization: `Bearer ${token}` };
    }
    const request = await this.#open(options);
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', reject);
    });
    if (typeof call.body === 'object') {
      return await (call.isConversation ? pourMeanwhile : pour)(call.body, { request, answered });
    }
    request.end(call.body);
    return answered;
  }

  async #open(options: RequestOptions): Promise<ClientRequest> {
    if (this.#address.startsWith('unix:')) {
      return httpRequest({ ...options, socketPath: this.#address.slice('unix:'.length) });
    }
    if (this.#address.startsWith('https:')) {
      const https = await import('node:https');
      this.#tlsAgent ??= new https.Agent({ keepAlive: true, ...this.#options.trust });
      const over = { ...options, agent: this.#tlsAgent };
      return https.request(new URL(options.path ?? '/', this.#address), over);
    }
    const { hostname, port } = new URL(this.#address);
    return httpRequest({ ...options, host: hostname.replace(/^\[|\]$/g, ''), port: port || 80 });
  }

  #noteVersion(response: IncomingMessage): void {
    const version = response.headers[VERSION_HEADER];
    if (!this.#sawVersion && typeof version === 'string') {
      this.#sawVersion = true;
      this.#options.onVersion?.(version);
    }
  }

  #broken(error: unknown, when: string): unknown {
    const { signal, ofHome } = this.#options;
    return connectionError(error, {
      address: this.#address,
      when,
      ...(signal ? { signal } : {}),
      ...(ofHome ? { ofHome } : {}),
    });
  }
}
