// What the body of a request to the door for batches brings: a file, or a tar, gzipped or not.

import { createWriteStream, mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ArchiveEnd } from '../base/archive-end.ts';
import { EngineError, errorText, isEngineError, systemCode } from '../base/errors.ts';
import { unpackTar } from '../executor/tar-reader.ts';

/** So much of a body that is refused is read all the same: most clients send all of it before they read the answer. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;
/** Archives that are zipped as such, whatever the request says of its encoding. */
const GZIP_TYPES = new Set([
  'application/gzip',
  'application/x-gzip',
  'application/x-gtar-compressed',
]);
/** What a system says of files that can't stand side by side, or of hard links to what is no file. */
const OF_PATHS = new Set([
  'EEXIST',
  'ENOTDIR',
  'EISDIR',
  'ENAMETOOLONG',
  'ENOENT',
  'EPERM',
  'EMLINK',
]);
/** Symbolic links are made last, and kept in memory until then. */
const MAX_LINKS = 100_000;

/** A request and where its answer goes. */
export interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

/** Writes the body of a request into a new file. Rejects with `invalid` what can't stand there. */
export async function writeBody(exchange: Exchange, file: string): Promise<void> {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const target = createWriteStream(file, { flags: 'wx', mode: 0o600 });
    await pipeline(bodyOf(exchange, isZipped(exchange.message)), target);
  } catch (error) {
    throw bodyError(error);
  }
}

/** Unpacks the tar that a request brings into a directory. Rejects with `invalid` what is none, or not whole, or holds what can't be kept. */
export async function unpackBody(exchange: Exchange, directory: string): Promise<void> {
  const { message } = exchange;
  const { 'content-type': type = '' } = message.headers;
  const body = bodyOf(exchange, isZipped(message) || GZIP_TYPES.has(type));
  const end = new ArchiveEnd();
  try {
    await unpackTar(end.watch(body), directory, { strip: 0, maxLinks: MAX_LINKS });
  } catch (error) {
    await drain(message);
    throw message.complete ? bodyError(error) : error;
  }
  if (!end.isThere) {
    throw new EngineError(
      'invalid',
      'Cannot unpack the batch: the archive has no end, so that some of it may be missing; send it whole',
    );
  }
}

/** Reads and forgets the rest of a body, until it ends, breaks off, or is too long. */
export async function drain(message: IncomingMessage): Promise<void> {
  let left = MAX_DRAINED_BYTES;
  message.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) {
      message.destroy();
    }
  });
  // What it was piped to may close later, and would stop it.
  message.unpipe();
  message.resume();
  await finished(message).catch(() => undefined);
}

function isZipped({ headers }: IncomingMessage): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new EngineError(
      'invalid',
      `Cannot read the body: it is encoded as "${encoding}"; send it as it is, or as gzip`,
    );
  }
  return encoding === 'gzip';
}

/** Returns a stream of the body that may end before it, by an error: the request itself is still to be answered then. */
function bodyOf({ message, response }: Exchange, isZipped: boolean): Readable {
  const body = isZipped ? createGunzip() : new PassThrough();
  const end = () => {
    if (!body.readableEnded) {
      body.destroy(new EngineError('cancelled', 'Cannot read the body: it broke off'));
    }
  };
  message.once('close', () => message.readableEnded || end());
  response.once('close', end);
  if (response.destroyed) {
    end();
  }
  // Broken off or not, closing comes after it.
  message.on('error', () => undefined);
  return message.pipe(body);
}

/** What is wrong with a body is its sender's to mend, unlike what is wrong with this machine's disk. */
function bodyError(cause: unknown): unknown {
  const code = systemCode(cause);
  let text: string | undefined;
  if (code?.startsWith('Z_')) {
    text = `Cannot read the body: it is no whole gzip (${errorText(cause)}); nothing of it was committed`;
  } else if (code !== undefined && OF_PATHS.has(code)) {
    // The system's own words name directories of this machine.
    text = `Cannot store the batch: two of its files stand at one path, a link leads nowhere in it, or a path is too long (${code})`;
  } else if (isEngineError(cause, 'unavailable')) {
    text = `Cannot unpack the batch: ${errorText(cause.cause)}; send a tar, gzipped or not`;
  }
  return text === undefined ? cause : new EngineError('invalid', text, { cause });
}
