// A bucket on any S3 server, through single puts of whole buffers only. It never retries: that is the retrying
// decorator's work, and it never answers "failed" for a write that may have landed.

import { createHash } from 'node:crypto';
import type http from 'node:http';
import type { ClientOptions } from 'minio';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type {
  ByteRange,
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';
import {
  absentError,
  beyondError,
  checkBytes,
  checkKey,
  checkPrefix,
  checkRange,
  checkSignal,
  equalsPieces,
  takenError,
} from './request-checks.ts';
import { S3Call } from './s3-call.ts';
import { connectS3, type S3ServerOptions } from './s3-connection.ts';
import { type S3Place, s3Code, s3Error } from './s3-error.ts';

const LIST_PAGE = 1000;
const DEFAULT_TIMEOUT_MS = 30_000;

export interface S3Options extends S3ServerOptions {
  /** Comes before every key, with a slash between; may be empty. */
  readonly prefix: string;
  /** The longest silence on a connection before a request is given up, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Keeps objects in a bucket of an S3 server that honours `If-None-Match: *`. */
export class S3ObjectStore implements ObjectStore {
  readonly url: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #place: S3Place;
  readonly #client: ClientOptions;
  readonly #timeoutMs: number;
  readonly #agent: http.Agent;

  constructor(options: S3Options) {
    const { agent, client, place } = connectS3(options);
    this.#agent = agent;
    this.#client = client;
    this.#place = place;
    this.#bucket = options.bucket;
    this.#prefix = options.prefix === '' ? '' : `${options.prefix.replace(/\/+$/, '')}/`;
    this.url = `s3://${options.bucket}/${this.#prefix.slice(0, -1)}`;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { range, signal } = options;
    checkKey(key);
    if (range === undefined) {
      return this.#send(
        `Cannot read object "${key}" of ${this.url}`,
        { key, signal },
        async (call) => {
          await call.client.getObject(this.#bucket, this.#prefix + key);
          return call.readBody();
        },
      );
    }
    checkRange(range);
    if (range.start === range.end) {
      const { size } = await this.head(key);
      if (range.end > size) {
        throw beyondError(key, this.url, range, { size });
      }
      return Buffer.alloc(0);
    }
    return this.#getRange(key, range, signal);
  }

  async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<void> {
    checkKey(key);
    const { signal, ifAbsent } = options;
    const { pieces, size } = checkBytes(bytes);
    const body = pieces.length === 1 ? asBuffer(pieces[0]) : Buffer.concat(pieces, size);
    const what = `Cannot write object "${key}" of ${this.url}`;
    try {
      await this.#send(what, { key, signal }, async ({ client }) => {
        // Not `putObject`: it copies the body once more.
        await client.makeRequestAsyncOmit(
          {
            method: 'PUT',
            bucketName: this.#bucket,
            objectName: this.#prefix + key,
            headers: {
              'content-type': 'application/octet-stream',
              ...(this.#client.useSSL ? { 'content-md5': md5(body) } : {}),
              ...(ifAbsent ? { 'if-none-match': '*' } : {}),
            },
          },
          body,
          [200],
        );
      });
    } catch (error) {
      const unknown = isEngineError(error, 'unavailable');
      if (!ifAbsent || !(unknown || isEngineError(error, 'already_exists'))) {
        throw error;
      }
      await this.#settle(key, { pieces, error, unknown, signal });
    }
  }

  async head(key: string): Promise<ObjectInfo> {
    checkKey(key);
    return this.#send(`Cannot read object "${key}" of ${this.url}`, { key }, async ({ client }) => {
      const { size, lastModified } = await client.statObject(this.#bucket, this.#prefix + key);
      return { key, size, modified: lastModified.getTime() };
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    let last = options.startAfter ?? '';
    for (let more = true; more; ) {
      const startAfter = last === '' ? '' : this.#prefix + last;
      const page = await this.#send(`Cannot list "${prefix}" of ${this.url}`, {}, ({ client }) =>
        client.listObjectsV2Query(
          this.#bucket,
          this.#prefix + prefix,
          '',
          '',
          LIST_PAGE,
          startAfter,
        ),
      );
      for (const { name, size, lastModified } of page.objects) {
        const key = String(name).slice(this.#prefix.length);
        if (key <= last && Buffer.compare(Buffer.from(key), Buffer.from(last)) <= 0) {
          throw new EngineError(
            'failed_precondition',
            `Cannot list "${prefix}" of ${this.url}: the server lists "${key}" after "${last}"; use a server that lists keys in order`,
          );
        }
        last = key;
        yield { key, size: Number(size), modified: wholeSeconds(new Date(lastModified ?? 0)) };
      }
      more = page.isTruncated && page.objects.length > 0;
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    try {
      await this.#send(`Cannot delete object "${key}" of ${this.url}`, { key }, ({ client }) =>
        client.removeObject(this.#bucket, this.#prefix + key),
      );
    } catch (error) {
      if (!isEngineError(error, 'not_found')) {
        throw error;
      }
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #getRange(key: string, range: ByteRange, signal: AbortSignal | undefined): Promise<Buffer> {
    const { start, end } = range;
    const what = `Cannot read object "${key}" of ${this.url}`;
    return this.#send(what, { key, signal, range }, async (call) => {
      await call.client.getPartialObject(this.#bucket, this.#prefix + key, start, end - start);
      const body = await call.readBody();
      const told = call.contentRange;
      // A server that does not know ranges answers with the whole object.
      const size = call.status === 200 ? body.length : told?.size;
      if (size !== undefined && end > size) {
        throw beyondError(key, this.url, range, { size });
      }
      const bytes = call.status === 200 ? body.subarray(start, end) : body;
      if (bytes.length !== end - start || (told !== undefined && told.start !== start)) {
        throw new Error(`${bytes.length} of ${end - start} bytes arrived`);
      }
      return bytes;
    });
  }

  /**
   * Finds out who owns a key after a refused or unanswered put-if-absent, and returns if it is this writer. An
   * unanswered one is looked at too, because a server that refuses a large body may cut the line instead.
   */
  async #settle(
    key: string,
    attempt: {
      pieces: readonly Uint8Array[];
      error: unknown;
      unknown: boolean;
      signal: AbortSignal | undefined;
    },
  ): Promise<void> {
    const { pieces, error, unknown, signal } = attempt;
    let stored: Buffer;
    try {
      stored = await this.get(key, signal ? { signal } : {});
    } catch (readError) {
      if (isEngineError(readError, 'cancelled')) {
        throw readError;
      }
      const state = unknown
        ? errorText(error)
        : `Cannot write object "${key}" of ${this.url}: it is there, but cannot be read back`;
      throw unknownError(key, { state, cause: readError });
    }
    if (!equalsPieces(stored, pieces)) {
      throw takenError(key, this.url, error);
    }
  }

  async #send<T>(
    what: string,
    context: { key?: string; signal?: AbortSignal | undefined; range?: ByteRange },
    request: (call: S3Call) => Promise<T>,
  ): Promise<T> {
    const { key, signal, range } = context;
    checkSignal(signal);
    const call = new S3Call({ client: this.#client, timeoutMs: this.#timeoutMs, signal });
    try {
      return await request(call);
    } catch (error) {
      checkSignal(signal);
      const failure = s3Error(error, { what, status: call.status, place: this.#place });
      const code = s3Code(error);
      if (key !== undefined && code === 'NoSuchKey') {
        throw absentError(key, this.url, failure.cause);
      }
      if (key !== undefined && code === 'NotFound' && call.status === 404) {
        await this.#confirmBucket(what);
        throw absentError(key, this.url, failure.cause);
      }
      if (key !== undefined && (code === 'PreconditionFailed' || call.status === 412)) {
        throw takenError(key, this.url, failure.cause);
      }
      if (key !== undefined && range !== undefined && call.status === 416) {
        throw beyondError(key, this.url, range, { cause: failure.cause });
      }
      throw failure;
    }
  }

  /** A 404 without a body says nothing of what is missing. Rejects when it is the bucket, or cannot be learned. */
  async #confirmBucket(what: string): Promise<void> {
    await this.#send(what, {}, ({ client }) =>
      client.listObjectsV2Query(this.#bucket, this.#prefix, '', '', 1, ''),
    );
  }
}

function unknownError(key: string, options: { state: string; cause: unknown }): EngineError {
  return new EngineError(
    'unavailable',
    `${options.state}; whether this write has landed is not known: write the same bytes again`,
    { cause: options.cause, details: { key } },
  );
}

function asBuffer(piece: Uint8Array | undefined): Buffer {
  return piece === undefined
    ? Buffer.alloc(0)
    : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/** A listing tells milliseconds where a head tells seconds: both are to agree. */
function wholeSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000) * 1000;
}

function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('base64');
}
