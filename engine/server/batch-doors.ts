// Where the command of a spout sends its batches: HTTP on a Unix socket that only its container sees, which is why nobody has to
// say who asks. docs/services.md says what it takes.

import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { EngineError, errorText } from '../base/errors.ts';
import { checkPath } from '../git/names.ts';
import type { BatchDoors, OpenBatchDoor, SentBatch, TakeBatch } from '../hosting/batch-door.ts';
import { normalizePath } from '../pfs/names.ts';
import { drain, type Exchange, unpackBody, writeBody } from './batch-body.ts';
import { isFault, toProblem } from './problem.ts';
import { PROBLEM_TYPE } from './wire.ts';

const FILES = '/v1/files/';
const BATCHES = '/v1/batches';
const MAX_CONNECTIONS = 64;
/** The longest address of a Unix socket, with its end. */
const MAX_ADDRESS_BYTES = 108;

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
