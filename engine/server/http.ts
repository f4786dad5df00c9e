// What all routes share: reading a request's parts, pages, streams of JSON lines.

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { linkAbort } from '../base/linked-abort.ts';
import { answerOnce, type PfsContext, type Request } from '../pfs/context.ts';
import { repoKeyOf } from '../pfs/names.ts';
import { askerOf } from './identity.ts';
import { toProblem } from './problem.ts';
import { type Page, TRANSACTION_HEADER } from './wire.ts';

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const KEEP_ALIVE_MS = 15_000;

export type Params = Readonly<Record<string, string>>;

/** Returns a segment of the request's path. */
export function param(request: FastifyRequest, name: string): string {
  return (request.params as Params)[name] ?? '';
}

/** Returns a query parameter, or undefined. */
export function query(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Record<string, string | string[] | undefined>)[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Returns whether a query parameter is `true`. */
export function flag(request: FastifyRequest, name: string): boolean {
  return query(request, name) === 'true';
}

/** Returns the body as an object of the fields that were sent; `invalid` when it is none. */
export function body(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const value = request.body ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new EngineError('invalid', 'Cannot read the request: its body must be a JSON object');
  }
  return value as Record<string, unknown>;
}

/** Returns a field of the body that must be text where it is there. */
export function text(request: FastifyRequest, name: string): string | undefined {
  const value = body(request)[name];
  if (value !== undefined && typeof value !== 'string') {
    throw new EngineError('invalid', `Cannot read the request: "${name}" must be text`);
  }
  return value;
}

/** Returns a field of the body that must be a list of texts where it is there. */
export function texts(request: FastifyRequest, name: string): readonly string[] {
  const value = body(request)[name] ?? [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new EngineError('invalid', `Cannot read the request: "${name}" must be a list of texts`);
  }
  return value;
}

/** Reads the states, with commas between them, that a list is narrowed to; none: all. `of` names what is listed. */
export function wantedStates(
  wanted: string | undefined,
  { of, known }: { readonly of: string; readonly known: readonly string[] },
): readonly string[] {
  const states = wanted?.split(',') ?? [];
  const unknown = states.find((state) => !known.includes(state));
  if (unknown !== undefined) {
    throw new EngineError(
      'invalid',
      `Cannot list ${of} in state "${unknown}": there is no such state; the states are ${known.join(', ')}`,
    );
  }
  return states;
}

/** Returns the key of the repo that the path names. */
export function repoOf(request: FastifyRequest): string {
  return repoKeyOf(param(request, 'project'), param(request, 'repo'));
}

/** Returns the key of the pipeline that the path names. */
export function pipelineOf(request: FastifyRequest): string {
  return repoKeyOf(param(request, 'project'), param(request, 'pipeline'));
}

/**
 * Returns the way to write: `work` runs unless the request was answered before, in which case that answer is given
 * again. So what the first try did never stands in the way of a retry.
 */
export function answering(
  context: PfsContext,
): <T>(request: FastifyRequest, work: (asked: Request) => Promise<T>) => Promise<T> {
  return async (request, work) => {
    if (transactionOf(request) !== undefined) {
      throw new EngineError(
        'invalid',
        'Cannot add this request to a transaction: it can only be carried out at once; send it without Pfs-Transaction',
      );
    }
    return await answerRequest(context, request, work);
  };
}

/** As {@link answering} does, whether or not the request is one of a transaction. */
export function answerRequest<T>(
  context: PfsContext,
  request: FastifyRequest,
  work: (asked: Request) => Promise<T>,
): Promise<T> {
  const asked = requester(request);
  return answerOnce(context, asked, () => work(asked));
}

/** Returns the id of the transaction that a request is to be added to, or undefined. */
export function transactionOf(request: FastifyRequest): string | undefined {
  const id = request.headers[TRANSACTION_HEADER];
  if (id !== undefined && (typeof id !== 'string' || !isId(id))) {
    throw new EngineError(
      'invalid',
      'Cannot read the request: Pfs-Transaction must be the id of a transaction',
    );
  }
  return id;
}

/** Returns who asks, and the id under which a retry would come. */
export function requester(request: FastifyRequest): Request {
  const key = request.headers['idempotency-key'];
  if (key === undefined) {
    return askerOf(request);
  }
  if (typeof key !== 'string' || !isId(key)) {
    throw new EngineError(
      'invalid',
      'Cannot read the request: Idempotency-Key must be 32 lower-case hex digits',
    );
  }
  // A key stands for one request of one user: sent with another one it must not get the answer to the first.
  const { method, url } = request;
  const { user = '' } = askerOf(request);
  const id = createHash('sha256')
    .update(`${key} ${method} ${url}${user && ` ${user}`}`)
    .digest('hex')
    .slice(0, 32);
  return { ...askerOf(request), id };
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborts when the engine begins to end. */
    readonly ending: AbortSignal;
  }
}

/** Returns a signal that aborts when the client goes away, or the engine begins to end. */
export function untilGone(reply: FastifyReply): AbortSignal {
  const { controller, unlink } = linkAbort(reply.server.ending);
  reply.raw.on('close', () => {
    unlink();
    controller.abort();
  });
  return controller.signal;
}

/** Returns what is told of work that the end of the engine has cut off. */
export function endingError(cause?: unknown): EngineError {
  return new EngineError('unavailable', 'Cannot go on: the engine is ending; ask again shortly', {
    cause,
  });
}

/** Returns how many items the client wants on a page. */
export function limitOf(request: FastifyRequest): number {
  const wanted = query(request, 'limit');
  return Math.min(wanted === undefined ? DEFAULT_LIMIT : Number(wanted), MAX_LIMIT);
}

/** Returns the key after which a page of a list with a pin begins. See {@link pinOf}. */
export function afterOf(request: FastifyRequest): string | undefined {
  const asked = query(request, 'after');
  return asked?.slice(asked.indexOf('/'));
}

/**
 * Takes one page from a list: what comes after the item whose key is `after`. A list that can begin there by itself is
 * given `skip: false`.
 */
export async function pageOf<T, V>(
  request: FastifyRequest,
  list: AsyncIterable<T> | Iterable<T>,
  options: {
    readonly keyOf: (item: T) => string;
    readonly view: (item: T) => V | Promise<V>;
    readonly skip?: boolean;
    /** Which state of things the list is of, without a slash; keys then begin with one. See {@link pinOf}. */
    readonly pin?: string;
  },
): Promise<Page<V>> {
  const limit = limitOf(request);
  const { pin = '' } = options;
  const asked = options.pin === undefined ? query(request, 'after') : afterOf(request);
  const after = options.skip === false ? undefined : asked;
  let skipping = after !== undefined;
  const items: V[] = [];
  let last = '';
  for await (const item of list) {
    const key = options.keyOf(item);
    if (skipping) {
      skipping = key !== after;
      continue;
    }
    if (items.length === limit) {
      return { items, next: pin + last };
    }
    items.push(await options.view(item));
    last = key;
  }
  if (skipping) {
    throw new EngineError(
      'conflict',
      `Cannot go on with the list after "${after}": that is no longer in it; ask for the list again`,
    );
  }
  return { items, next: null };
}

/** Returns the pin of the page before: what a list of this page, too, must be of. */
export function pinOf(request: FastifyRequest): string | undefined {
  const after = query(request, 'after');
  return after?.includes('/') ? after.slice(0, after.indexOf('/')) : undefined;
}

/** Sends bytes; a failure under way breaks the connection, so the engine's log has to say why. */
export function sendBytes(
  reply: FastifyReply,
  source: AsyncIterable<Buffer>,
  options: {
    readonly onFault: (error: unknown, request?: string) => void;
    readonly onClose?: () => void;
  },
): FastifyReply {
  const stream = Readable.from(source, { objectMode: false, highWaterMark: 1024 * 1024 });
  stream.once('error', (error) => {
    if (!reply.raw.destroyed) {
      options.onFault(error, reply.request.id);
    }
  });
  // An answer that waits for the one before it hears nothing of the end of their connection.
  const { socket } = reply.request.raw;
  const gone = () => stream.destroy();
  socket.once('close', gone);
  stream.once('close', () => {
    socket.off('close', gone);
    options.onClose?.();
  });
  return reply.send(stream);
}

/** Sends documents as JSON lines, as they come; an error becomes the last line. Empty lines keep the stream alive. */
export function sendLines<T>(reply: FastifyReply, documents: AsyncIterable<T>): FastifyReply {
  reply.type('application/x-ndjson');
  const stream = new Readable({ read: () => undefined });
  // The headers leave with the first byte: a reader learns at once that it is heard.
  stream.push('\n');
  const alive = setInterval(() => stream.push('\n'), KEEP_ALIVE_MS);
  const { ending } = reply.server;
  let wanted: (() => void) | undefined;
  stream._read = () => wanted?.();
  const pump = async () => {
    try {
      for await (const document of documents) {
        if (stream.destroyed) {
          return;
        }
        if (!stream.push(`${JSON.stringify(document)}\n`)) {
          await new Promise<void>((resolve) => {
            wanted = resolve;
            stream.once('close', resolve);
          });
        }
      }
      if (ending.aborted) {
        throw endingError();
      }
    } catch (error) {
      const told = ending.aborted ? endingError(error) : error;
      stream.push(`${JSON.stringify({ problem: toProblem(told) })}\n`);
    } finally {
      clearInterval(alive);
      stream.push(null);
    }
  };
  void pump();
  return reply.send(stream);
}
