// Files of users in a bucket on any S3 server: what `put file` reads from and `get file` writes to. It is no store: keys are
// whatever users chose, and nothing is asked of the server but that it takes and gives objects.

import { EngineError, isEngineError } from '../base/errors.ts';
import { SystemRandom } from '../base/random.ts';
import { type RetryPolicy, retry } from '../base/retry.ts';
import { SystemClock } from '../base/system-clock.ts';
import { S3Call } from './s3-call.ts';
import { connectS3, type S3Connection } from './s3-connection.ts';
import { type S3Place, s3Code, s3Error } from './s3-error.ts';

/** Larger objects are sent in parts, of at least this size. */
export const PART_BYTES = 16 * 1024 * 1024;
/** S3 takes 10,000 parts. */
const MAX_PARTS = 9000;
const PARTS_AT_ONCE = 4;
const LIST_PAGE = 1000;
const TIMEOUT_MS = 60_000;
const POLICY: RetryPolicy = { tries: 6, firstDelayMs: 200, maxDelayMs: 5000 };
/** Names, with an object, the Git object that it was made from. */
const ID_HEADER = 'x-amz-meta-pfs-object';

/** A bucket, and how to speak to its server. Without keys requests are not signed, as public buckets take them. */
export interface S3FilesOptions {
  readonly bucket: string;
  /** `http://host:port` or `https://host`. */
  readonly endpoint: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  readonly signal?: AbortSignal;
}

export interface S3File {
  readonly key: string;
  readonly size: number;
}

/** One bucket. What fails for a moment is tried again. */
export class S3Files {
  readonly #bucket: string;
  readonly #connection: S3Connection;
  readonly #place: S3Place;
  readonly #signal: AbortSignal | undefined;
  readonly #clock = new SystemClock();
  readonly #random = new SystemRandom();

  constructor(options: S3FilesOptions) {
    this.#bucket = options.bucket;
    this.#connection = connectS3(options);
    this.#signal = options.signal;
    this.#place = this.#connection.place;
  }

  /** Closes idle connections. */
  close(): void {
    this.#connection.agent.destroy();
  }

  /** Returns the size of an object and the id it was put with; undefined where there is none. */
  async head(key: string): Promise<{ readonly size: number; readonly id?: string } | undefined> {
    try {
      return await this.#send(`Cannot read ${this.#name(key)}`, async ({ client }) => {
        const { size, metaData } = await client.statObject(this.#bucket, key);
        const id: unknown = (metaData as Record<string, unknown>)['pfs-object'];
        return typeof id === 'string' ? { size, id } : { size };
      });
    } catch (error) {
      if (isEngineError(error, 'not_found')) {
        return undefined;
      }
      throw error;
    }
  }

  /** Yields the objects whose keys begin with `prefix`. */
  async *list(prefix: string): AsyncGenerator<S3File> {
    let token = '';
    do {
      const from = token;
      const page = await this.#send(`Cannot list ${this.#name(prefix)}`, ({ client }) =>
        client.listObjectsV2Query(this.#bucket, prefix, from, '', LIST_PAGE, ''),
      );
      for (const { name, size } of page.objects) {
        yield { key: String(name), size: Number(size) };
      }
      token = page.isTruncated ? String(page.nextContinuationToken ?? '') : '';
    } while (token !== '');
  }

  /** Yields the bytes of an object. Goes on where a connection broke off, as long as the object stays the same. */
  async *read(key: string): AsyncGenerator<Buffer> {
    let at = 0;
    let etag: string | undefined;
    let size = Number.NaN;
    const what = `Cannot read ${this.#name(key)}`;
    for (let breaks = 0; ; ) {
      const before = at;
      try {
        const body = await this.#send(what, async (call) => {
          const response = await call.client.makeRequestAsync(
            {
              method: 'GET',
              bucketName: this.#bucket,
              objectName: key,
              headers: etag === undefined ? {} : { range: `bytes=${at}-`, 'if-match': etag },
            },
            '',
            [200, 206],
          );
          if (etag !== undefined && response.statusCode !== 206) {
            throw new EngineError('unavailable', `${what}: the server gives no part of it`);
          }
          return response;
        });
        etag ??= body.headers.etag;
        size = Number.isNaN(size) ? Number(body.headers['content-length']) : size;
        for await (const chunk of body as AsyncIterable<Buffer>) {
          at += chunk.length;
          yield chunk;
        }
        if (at === size || Number.isNaN(size)) {
          return;
        }
        throw new EngineError('unavailable', `${what}: ${at} of ${size} bytes arrived`);
      } catch (error) {
        this.#signal?.throwIfAborted();
        breaks = at > before ? 1 : breaks + 1;
        const failure = s3Error(error, { what, status: undefined, place: this.#place });
        const canGoOn = failure.code === 'unavailable' && etag !== undefined;
        if (!canGoOn || breaks >= POLICY.tries) {
          throw failure;
        }
      }
    }
  }

  /**
   * Puts an object of exactly `size` bytes: whole or not at all. Up to {@link PART_BYTES} it is one request; a larger one is
   * sent in parts of an upload of its own, which is given up when anything fails.
   */
  async put(
    key: string,
    object: {
      readonly size: number;
      readonly id: string;
      readonly data: AsyncIterable<Uint8Array>;
    },
  ): Promise<void> {
    const { size, id, data } = object;
    const what = `Cannot write ${this.#name(key)}`;
    const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
    const parts = inParts(data, partBytes);
    const headers = { 'content-type': 'application/octet-stream', [ID_HEADER]: id };
    if (size <= PART_BYTES) {
      const { value: bytes = Buffer.alloc(0) } = await parts.next();
      checkSize(what, { size, got: bytes.length });
      await this.#send(what, ({ client }) =>
        client.makeRequestAsyncOmit(
          { method: 'PUT', bucketName: this.#bucket, objectName: key, headers },
          bytes,
          [200],
        ),
      );
      return;
    }
    const upload = await this.#send(what, ({ client }) =>
      client.initiateNewMultipartUpload(this.#bucket, key, headers),
    );
    try {
      const etags = await this.#putParts(key, { upload, parts, size, what });
      await this.#complete(key, { upload, etags, size, id, what });
    } catch (error) {
      await this.#giveUp(key, upload);
      throw error;
    }
  }

  /** Removes an object; one that is not there is fine. */
  async delete(key: string): Promise<void> {
    await this.#send(`Cannot remove ${this.#name(key)}`, ({ client }) =>
      client.removeObject(this.#bucket, key),
    );
  }

  async #complete(
    key: string,
    options: {
      readonly upload: string;
      readonly etags: { part: number; etag: string }[];
      readonly size: number;
      readonly id: string;
      readonly what: string;
    },
  ): Promise<void> {
    const { upload, etags, size, id, what } = options;
    try {
      await this.#send(what, ({ client }) =>
        client.completeMultipartUpload(this.#bucket, key, upload, etags),
      );
    } catch (error) {
      // The first try may have done it, with an answer that was lost.
      const there = await this.head(key).catch(() => undefined);
      if (there?.size !== size || there.id !== id) {
        throw error;
      }
    }
  }

  async #putParts(
    key: string,
    options: {
      readonly upload: string;
      readonly parts: AsyncGenerator<Buffer>;
      readonly size: number;
      readonly what: string;
    },
  ): Promise<{ part: number; etag: string }[]> {
    const { upload, parts, size, what } = options;
    const etags: { part: number; etag: string }[] = [];
    const sending = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    let got = 0;
    let part = 0;
    try {
      for await (const bytes of parts) {
        part += 1;
        got += bytes.length;
        const sent = this.#putPart(key, { upload, part, bytes, what })
          .then(
            (etag) => void etags.push(etag),
            (error: unknown) => {
              failure ??= { error };
            },
          )
          .finally(() => sending.delete(sent));
        sending.add(sent);
        if (sending.size >= PARTS_AT_ONCE) {
          await Promise.race(sending);
        }
        if (failure) {
          break;
        }
      }
    } finally {
      await Promise.all(sending);
    }
    if (failure) {
      throw failure.error;
    }
    checkSize(what, { size, got });
    return etags.sort((a, b) => a.part - b.part);
  }

  async #putPart(
    key: string,
    options: {
      readonly upload: string;
      readonly part: number;
      readonly bytes: Buffer;
      readonly what: string;
    },
  ): Promise<{ part: number; etag: string }> {
    const { upload, part, bytes, what } = options;
    const etag = await this.#send(what, async ({ client }) => {
      const response = await client.makeRequestAsync(
        {
          method: 'PUT',
          bucketName: this.#bucket,
          objectName: key,
          query: `uploadId=${encodeURIComponent(upload)}&partNumber=${part}`,
          headers: {},
        },
        bytes,
        [200],
      );
      response.resume();
      return response.headers.etag ?? '';
    });
    return { part, etag: etag.replaceAll('"', '') };
  }

  /** The server may keep the parts of an upload that this does not reach, unseen, until its own rules remove them. */
  async #giveUp(key: string, upload: string): Promise<void> {
    try {
      const call = this.#call(undefined);
      await call.client.abortMultipartUpload(this.#bucket, key, upload);
    } catch {
      // Why it is given up matters more.
    }
  }

  #call(signal: AbortSignal | undefined): S3Call {
    return new S3Call({ client: this.#connection.client, timeoutMs: TIMEOUT_MS, signal });
  }

  async #send<T>(what: string, request: (call: S3Call) => Promise<T>): Promise<T> {
    const signal = this.#signal;
    const attempt = async () => {
      signal?.throwIfAborted();
      const call = this.#call(signal);
      try {
        return await request(call);
      } catch (error) {
        signal?.throwIfAborted();
        const code = s3Code(error);
        if (code === 'NoSuchKey' || (code === 'NotFound' && call.status === 404)) {
          throw absent(what, error);
        }
        if (code === 'PreconditionFailed') {
          throw changed(what, error);
        }
        throw s3Error(error, { what, status: call.status, place: this.#place });
      }
    };
    return await retry(attempt, {
      clock: this.#clock,
      random: this.#random,
      policy: POLICY,
      isTransient: (error) => isEngineError(error, 'unavailable'),
      ...(signal ? { signal } : {}),
    });
  }

  #name(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }
}

/** Yields the bytes of a stream in buffers of exactly `bytes`, but for the last. */
async function* inParts(data: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let held = 0;
  for await (const chunk of data) {
    // Copied: the source may use its memory again.
    let rest = Buffer.from(chunk);
    while (held + rest.length >= bytes) {
      const take = bytes - held;
      yield Buffer.concat([...pieces, rest.subarray(0, take)]);
      rest = rest.subarray(take);
      pieces = [];
      held = 0;
    }
    if (rest.length > 0) {
      pieces.push(rest);
      held += rest.length;
    }
  }
  if (held > 0) {
    yield Buffer.concat(pieces);
  }
}

function checkSize(what: string, count: { readonly size: number; readonly got: number }): void {
  if (count.size !== count.got) {
    throw new EngineError('conflict', `${what}: ${count.got} bytes came in place of ${count.size}`);
  }
}

function absent(what: string, cause: unknown): EngineError {
  return new EngineError('not_found', `${what}: there is no such object`, { cause });
}

function changed(what: string, cause: unknown): EngineError {
  return new EngineError('conflict', `${what}: it was replaced meanwhile; try again`, { cause });
}
