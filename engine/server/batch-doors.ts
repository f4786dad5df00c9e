// Where the command of a spout sends its batches: HTTP on a Unix socket that only its container sees, which is why nobody has to
// say who asks. docs/services.md says what it takes.

import { createWriteStream, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { EngineError, errorText, isEngineError, systemCode } from '../base/errors.ts';
import { unpackTar } from '../executor/tar-reader.ts';
import { checkPath } from '../git/names.ts';
import type { BatchDoors, OpenBatchDoor, SentBatch, TakeBatch } from '../hosting/batch-door.ts';
import { normalizePath } from '../pfs/names.ts';
import { isFault, toProblem } from './problem.ts';
import { PROBLEM_TYPE } from './wire.ts';

const FILES = '/v1/files/';
const BATCHES = '/v1/batches';
const MAX_CONNECTIONS = 64;
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
const TAR_BLOCK_BYTES = 512;
/** The longest address of a Unix socket, with its end. */
const MAX_ADDRESS_BYTES = 108;

/** A request and where its answer goes. */
interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

interface Options {
  /** Told of what is no fault of a request. */
  readonly onFault: (error: unknown) => void;
}

/** Opens such sockets on this machine. */
export function batchDoors({ onFault }: Options): BatchDoors {
  return {
    open: async ({ directory, name }, take) => {
      const busy = new WeakSet<Socket>();
      const server = createServer({ requestTimeout: 0 }, (message, response) => {
        const { socket } = message;
        if (busy.has(socket)) {
          // Who sends the next request before the answer could have any number under way.
          socket.destroy();
          return;
        }
        busy.add(socket);
        response.once('close', () => busy.delete(socket));
        void answer({ message, response, take, onFault });
      });
      server.maxConnections = MAX_CONNECTIONS;
      return await listen(server, directory, name);
    },
  };
}

async function listen(server: Server, directory: string, name: string): Promise<OpenBatchDoor> {
  const path = join(directory, name);
  // Homes may lie deeper than an address can say.
  const isShort = Buffer.byteLength(path) < MAX_ADDRESS_BYTES;
  const held = isShort ? undefined : await open(directory, 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const address = held ? `/proc/self/fd/${held.fd}/${name}` : path;
      // The container's command may be any user there.
      server.listen({ path: address, readableAll: true, writableAll: true }, resolve);
    });
  } catch (error) {
    await held?.close();
    throw notOpened(path, error);
  }
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await held?.close();
    },
  };
}

async function answer(
  asked: Exchange & { readonly take: TakeBatch; readonly onFault: Options['onFault'] },
): Promise<void> {
  const { message, response, take, onFault } = asked;
  try {
    const commit = await take(batchOf(asked));
    send(message, response, { status: 200, type: 'application/json', body: { commit } });
  } catch (error) {
    await drain(message);
    if (isFault(error)) {
      onFault(error);
    }
    const body = toProblem(error);
    send(message, response, { status: body.status, type: PROBLEM_TYPE, body });
  }
}

function send(
  message: IncomingMessage,
  response: ServerResponse,
  answered: { readonly status: number; readonly type: string; readonly body: object },
): void {
  if (response.destroyed || response.headersSent) {
    return;
  }
  const text = `${JSON.stringify(answered.body)}\n`;
  response.writeHead(answered.status, {
    'content-type': answered.type,
    'content-length': Buffer.byteLength(text),
    // The rest of the body, if any, is not read.
    ...(message.complete ? {} : { connection: 'close' }),
  });
  response.end(text);
}

/** Returns the batch that a request sends; throws `invalid` or `not_found` where it sends none. */
function batchOf(exchange: Exchange): SentBatch {
  const { message } = exchange;
  const { method = '', url = '', headers } = message;
  const [path = '', text = ''] = url.split('?');
  const query = new URLSearchParams(text);
  const unknown = [...query.keys()].find((name) => name !== 'marker');
  if (unknown !== undefined) {
    throw new EngineError(
      'invalid',
      `Cannot read the request: it has no parameter "${unknown}", but "marker"`,
    );
  }
  const marker = query.get('marker') ?? undefined;
  const key = headers['idempotency-key'];
  if (key === '') {
    throw new EngineError('invalid', 'Cannot read the request: its Idempotency-Key is empty');
  }
  return {
    fill: fillOf(exchange, { method, path }),
    ...(marker === undefined ? {} : { marker }),
    ...(typeof key === 'string' ? { key } : {}),
  };
}

function fillOf(
  exchange: Exchange,
  { method, path }: { readonly method: string; readonly path: string },
): SentBatch['fill'] {
  if (path.startsWith(FILES) && method === 'PUT') {
    const file = normalizePath(decoded(path.slice(FILES.length)));
    checkPath(file);
    return async (directory) => await writeBody(exchange, join(directory, file));
  }
  if (path === BATCHES && method === 'POST') {
    return async (directory) => await unpackBody(exchange, directory);
  }
  throw new EngineError(
    'not_found',
    `Cannot find "${method} ${path.slice(0, 200)}": send a file with PUT to ${FILES}<path>, or a tar with POST to ${BATCHES}`,
  );
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw notPath(error);
  }
}

async function writeBody(exchange: Exchange, file: string): Promise<void> {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const target = createWriteStream(file, { flags: 'wx', mode: 0o600 });
    await pipeline(bodyOf(exchange, isZipped(exchange.message)), target);
  } catch (error) {
    throw bodyError(error);
  }
}

async function unpackBody(exchange: Exchange, directory: string): Promise<void> {
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

/** Looks whether a tar ends as one does: with a block of zeros. A part of one may end between two files. */
class ArchiveEnd {
  #tail = Buffer.alloc(0);

  get isThere(): boolean {
    return this.#tail.length === TAR_BLOCK_BYTES && this.#tail.every((byte) => byte === 0);
  }

  async *watch(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      const tail = Buffer.concat([this.#tail, chunk.subarray(-TAR_BLOCK_BYTES)]);
      this.#tail = tail.subarray(-TAR_BLOCK_BYTES);
      yield chunk;
    }
  }
}

/** Reads and forgets the rest of a body, until it ends, breaks off, or is too long. */
async function drain(message: IncomingMessage): Promise<void> {
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

function notPath(cause: unknown): EngineError {
  return new EngineError(
    'invalid',
    'Cannot read the path of the file: a "%" is not followed by two hex digits, or it is not UTF-8',
    { cause },
  );
}

function notOpened(path: string, cause: unknown): EngineError {
  return new EngineError(
    'unavailable',
    `Cannot open the socket for batches "${path}": ${errorText(cause)}; check the disk and the rights of its directory`,
    { cause },
  );
}
