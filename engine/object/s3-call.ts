// One request to an S3 server: its deadline, its cancellation, and the body of its answer. The client library gives no
// hand on any of them, so each call brings its own transport.

import http from 'node:http';
import https from 'node:https';
import { Client, type ClientOptions } from 'minio';
import { MAX_OBJECT_BYTES } from '../base/limits.ts';

/** Answers whose bodies the client leaves unread, which would keep their connections for ever. */
const UNREAD_STATUSES = new Set([408, 429, 499, 500, 502, 503, 504, 520]);

export interface S3CallOptions {
  readonly client: ClientOptions;
  /** The longest silence on the connection, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One request. Make a new one for each. */
export class S3Call {
  readonly client: Client;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  #response: http.IncomingMessage | undefined;

  constructor(options: S3CallOptions) {
    this.#timeoutMs = options.timeoutMs;
    this.#signal = options.signal;
    const send = options.client.useSSL === false ? http.request : https.request;
    const request = (
      wanted: https.RequestOptions,
      answered: (response: http.IncomingMessage) => void,
    ) => this.#request({ wanted, send, answered });
    this.client = new Client({
      ...options.client,
      transport: { request } as unknown as NonNullable<ClientOptions['transport']>,
    });
  }

  /** The status of the answer, once there is one. */
  get status(): number | undefined {
    return this.#response?.statusCode;
  }

  /** Returns the first and the size of the whole object, as the answer to a ranged get tells them. */
  get contentRange(): { start: number; size: number } | undefined {
    const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(this.#response?.headers['content-range'] ?? '');
    return match === null ? undefined : { start: Number(match[1]), size: Number(match[2]) };
  }

  /** Reads the whole body. Rejects when it ends early or is larger than any object. */
  async readBody(): Promise<Buffer> {
    const response = this.#response;
    if (response === undefined) {
      throw new Error('there is no answer to read');
    }
    const declared = Number(response.headers['content-length'] ?? Number.NaN);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_OBJECT_BYTES) {
        throw new Error(`it is larger than any object (${MAX_OBJECT_BYTES} bytes)`);
      }
      chunks.push(chunk);
    }
    if (!response.complete || (Number.isFinite(declared) && size !== declared)) {
      throw new Error(`${size} of ${declared} bytes arrived`);
    }
    return Buffer.concat(chunks, size);
  }

  #request(options: {
    wanted: https.RequestOptions;
    send: typeof https.request;
    answered: (response: http.IncomingMessage) => void;
  }): http.ClientRequest {
    const { wanted, send, answered } = options;
    const signal = this.#signal;
    const request = send(
      { ...wanted, timeout: this.#timeoutMs, ...(signal ? { signal } : {}) },
      (response) => {
        this.#response = response;
        if (UNREAD_STATUSES.has(response.statusCode ?? 0)) {
          response.on('error', () => undefined).resume();
        }
        answered(response);
      },
    );
    request.on('timeout', () => {
      request.destroy(
        Object.assign(new Error(`silence for ${this.#timeoutMs} ms`), { code: 'ETIMEDOUT' }),
      );
    });
    return request;
  }
}
