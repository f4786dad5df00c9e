// Carries requests to an engine over the HTTP of Node: by TCP, by TLS, or by the socket of a local engine.

import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { ApiRequest, ApiResponse, Transport } from '../client/transport.ts';
import { VERSION_HEADER } from '../engine/server/wire.ts';
import { connectionError, isBroken } from './connection-error.ts';
import { askLong } from './long-answer.ts';
import { pour, pourMeanwhile } from './pour.ts';

export interface NodeTransportOptions {
  /** `http://host:port`, `https://host:port` or `unix:/path/to/socket`. */
  readonly address: string;
  /** The home whose own engine this is; undefined where the user gave an address. */
  readonly ofHome?: string;
  /** Whom to trust over TLS, beside those that Node trusts. */
  readonly trust?: Pick<ConnectionOptions, 'ca' | 'checkServerIdentity'>;
  /** Asked again for each request, since a new engine makes its token when it first starts. */
  readonly token: () => string | undefined;
  readonly signal?: AbortSignal;
  /** Returns the Unix socket at which the engine of an address listens too; undefined where none is known. */
  readonly socketOf?: (address: string) => string | undefined;
  /**
   * Called when nothing listens at the address, before any byte was sent; resolves to the address to try
   * instead, or undefined to give up.
   */
  readonly onRefused?: () => Promise<string | undefined>;
  /** Called with the engine's version, once. */
  readonly onVersion?: (version: string) => void;
}

/** An engine at one address, which is another one once an engine was started. */
export class NodeTransport implements Transport {
  readonly #options: NodeTransportOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #closing = new AbortController();
  /** Requests that have been sent before. */
  readonly #sent = new WeakSet<ApiRequest>();
  #tlsAgent: TlsAgent | undefined;
  #address: string;
  /** The socket of the engine at an address. */
  #socket: { readonly of: string; readonly path: string | undefined } | undefined;
  #sawVersion = false;

  constructor(options: NodeTransportOptions) {
    this.#options = options;
    this.#address = options.address;
  }

  get address(): string {
    return this.#address;
  }

  /** Closes idle connections, and those of long answers. */
  close(): void {
    this.#closing.abort();
    this.#agent.destroy();
    this.#tlsAgent?.destroy();
  }

  async send(request: ApiRequest): Promise<ApiResponse> {
    const isFirst = !this.#sent.has(request);
    this.#sent.add(request);
    try {
      return await this.#reach(request);
    } catch (error) {
      const address = isRefused(error) && isFirst ? await this.#options.onRefused?.() : undefined;
      if (!address) {
        throw error;
      }
      this.#address = address;
      return await this.#reach(request);
    }
  }

  isBroken(error: unknown): boolean {
    return isBroken(error);
  }

  explain(error: unknown, when: string): unknown {
    const { signal, ofHome } = this.#options;
    return connectionError(error, {
      address: this.#address,
      when,
      ...(signal ? { signal } : {}),
      ...(ofHome ? { ofHome } : {}),
    });
  }

  /** Sends a request by the engine's socket, where there is one and something listens there, and else to its address. */
  async #reach(request: ApiRequest): Promise<ApiResponse> {
    const socketPath = this.#socketPath();
    if (socketPath === undefined) {
      return await this.#attempt(request);
    }
    try {
      return await this.#attempt(request, socketPath);
    } catch (error) {
      // The file may be lost, or out of reach, and the engine well; nothing was sent.
      const isUnconnected = (error as { syscall?: unknown } | null)?.syscall === 'connect';
      if (!isUnconnected || this.#address.startsWith('unix:')) {
        throw error;
      }
      return await this.#attempt(request);
    }
  }

  #socketPath(): string | undefined {
    const address = this.#address;
    if (this.#socket?.of !== address) {
      const path = address.startsWith('unix:')
        ? address.slice('unix:'.length)
        : this.#options.socketOf?.(address);
      this.#socket = { of: address, path };
    }
    return this.#socket.path;
  }

  async #attempt(asked: ApiRequest, socketPath?: string): Promise<ApiResponse> {
    const { method, path, body, memory, ...rest } = asked;
    const signal = either(rest.signal, this.#options.signal);
    const token = this.#options.token();
    const sending = {
      method,
      path,
      headers: { ...rest.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(signal ? { signal } : {}),
      ...(socketPath === undefined ? {} : { socketPath }),
    };
    if (memory && socketPath !== undefined && body === undefined) {
      const ending = either(signal, this.#closing.signal) as AbortSignal;
      const answer = await askLong({ ...sending, socketPath, memory, signal: ending });
      if (answer) {
        this.#noteVersion(answer.header(VERSION_HEADER));
        return answer;
      }
    }
    const request = await this.#open({ agent: this.#agent, ...sending });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', reject);
    });
    if (typeof body === 'object') {
      const source = body instanceof Blob ? body.stream() : body;
      const how = rest.isConversation ? pourMeanwhile : pour;
      return this.#answerOf(await how(source, { request, answered }), signal);
    }
    request.end(body);
    return this.#answerOf(await answered, signal);
  }

  async #open(options: RequestOptions): Promise<ClientRequest> {
    if (options.socketPath) {
      return httpRequest(options);
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

  #answerOf(response: IncomingMessage, signal: AbortSignal | undefined): ApiResponse {
    const header = (name: string) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    this.#noteVersion(header(VERSION_HEADER));
    return { status: response.statusCode ?? 0, header, bytes: bytesOf(response, signal) };
  }

  #noteVersion(version: string | undefined): void {
    if (!this.#sawVersion && version !== undefined) {
      this.#sawVersion = true;
      this.#options.onVersion?.(version);
    }
  }
}

/** Returns whether nothing listens there, so that nothing was sent either. */
function isRefused(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}

async function* bytesOf(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    // Node tells of an answer that was given up as of one that was cut.
    throw signal?.aborted ? signal.reason : error;
  } finally {
    response.destroy();
  }
}

/** Returns a signal that aborts when one of the two does, if there are any. */
function either(one?: AbortSignal, other?: AbortSignal): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other);
}
