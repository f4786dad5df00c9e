// Reads a long answer of an engine on this machine. Node's own HTTP copies each 64 KiB of an answer into memory of its own, which
// takes several times as long as all the rest: here the system writes them where they stay until they are used.

import { validateHeaderValue } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { AnswerMemory, ApiResponse } from '../client/transport.ts';

/** What is asked for, and where. */
export interface LongAsk {
  /** The Unix socket of the engine. */
  readonly socketPath: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly memory: AnswerMemory;
  readonly signal?: AbortSignal;
}

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 64 * 1024;
/** With less room than this a piece is full: the system hands over about as much at once. */
const LEAST_ROOM = 128 * 1024;
/** So many full pieces wait for the reader; then the engine waits. */
const MAX_READY = 2;

/**
 * Resolves with the answer once its headers are there, each of whose chunks has a piece of the memory to itself; with undefined where
 * it does not say how long it is, and has to be asked for in another way. Rejects where the connection fails, with its error.
 */
export function askLong(ask: LongAsk): Promise<ApiResponse | undefined> {
  return new LongAnswer(ask).answered;
}

class LongAnswer {
  readonly answered: Promise<ApiResponse | undefined>;
  readonly #ask: LongAsk;
  readonly #socket: Socket;
  readonly #ready: Uint8Array[] = [];
  #piece: Uint8Array;
  /** Where the body begins in the piece, and where what has arrived ends. */
  #from = 0;
  #filled = 0;
  /** How much of the body is to come, with what is in the piece; undefined before the headers are there. */
  #left: number | undefined;
  #failure: { readonly error: unknown } | undefined;
  #resolve: (response: ApiResponse | undefined) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #wake: () => void = () => undefined;

  constructor(ask: LongAsk) {
    this.#ask = ask;
    this.#piece = ask.memory.take();
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const head = requestHead(ask);
    this.#socket = connect({
      path: ask.socketPath,
      onread: {
        buffer: () => this.#piece.subarray(this.#filled),
        callback: (bytes) => this.#arrived(bytes),
      },
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.once('close', () => this.#end(cutOff()));
    this.#socket.once('connect', () => this.#socket.write(head));
    // Or nobody would hear of its end.
    this.#socket.resume();
    const { signal } = ask;
    const abort = () => this.#socket.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    this.#socket.once('close', () => signal?.removeEventListener('abort', abort));
    if (signal?.aborted) {
      abort();
    }
  }

  /** Returns whether more may arrive. */
  #arrived(bytes: number): boolean {
    this.#filled += bytes;
    if (this.#left === undefined && !this.#readHead()) {
      return true;
    }
    const isFull = this.#piece.length - this.#filled < LEAST_ROOM;
    if (isFull || this.#filled - this.#from >= (this.#left ?? 0)) {
      this.#handOver();
    }
    return this.#ready.length < MAX_READY;
  }

  #readHead(): boolean {
    const arrived = Buffer.from(this.#piece.buffer, this.#piece.byteOffset, this.#filled);
    const end = arrived.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#filled > MAX_HEAD_BYTES) {
        this.#socket.destroy(notUnderstood());
      }
      return false;
    }
    const [first = '', ...lines] = arrived.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(
      lines.map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
      }),
    );
    const status = Number(/^HTTP\/1\.1 ([2-5]\d\d)\b/.exec(first)?.[1]);
    const length = Number(headers.get('content-length') ?? (status === 304 ? 0 : Number.NaN));
    if (!(status > 0)) {
      this.#socket.destroy(notUnderstood());
      return false;
    }
    if (!Number.isSafeInteger(length)) {
      this.#resolve(undefined);
      this.#socket.destroy();
      return false;
    }
    this.#from = end + HEAD_END.length;
    this.#left = length;
    this.#resolve({ status, header: (name) => headers.get(name), bytes: this.#bytes() });
    return true;
  }

  /** What is in the piece is for the reader; the next bytes come into another one. */
  #handOver(): void {
    const left = this.#left ?? 0;
    const chunk = this.#piece.subarray(this.#from, Math.min(this.#filled, this.#from + left));
    this.#left = left - chunk.length;
    if (chunk.length > 0) {
      this.#ready.push(chunk);
    }
    this.#from = 0;
    this.#filled = 0;
    if (this.#left === 0) {
      this.#socket.destroy();
    } else {
      this.#piece = this.#ask.memory.take();
    }
    this.#wake();
  }

  #end(error: unknown): void {
    if (this.#left !== undefined && this.#left > 0 && this.#filled > this.#from) {
      this.#handOver();
    }
    this.#failure ??= { error };
    this.#reject(error);
    this.#wake();
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#ready.shift();
        if (chunk) {
          this.#socket.resume();
          yield chunk;
        } else if (this.#left === 0) {
          return;
        } else if (this.#failure) {
          throw this.#failure.error;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#socket.destroy();
    }
  }
}

function requestHead({ method, path, headers }: LongAsk): string {
  const lines = Object.entries({ ...headers, host: 'localhost', connection: 'close' });
  for (const [name, value] of lines) {
    validateHeaderValue(name, value);
  }
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function cutOff(): Error {
  return Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' });
}

function notUnderstood(): Error {
  return Object.assign(new Error('the answer cannot be read'), { code: 'HPE_INVALID_CONSTANT' });
}
