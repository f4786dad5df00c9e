// Hashing off the main thread. Bytes go there by reference, in shared memory: whoever hands them in leaves them as they are
// until the answer is there. Threads start when they are first needed, and keep no process alive that waits for nothing.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../base/errors.ts';
import { work } from './hash-worker.ts';

/** What a thread is asked. */
export type HashRequest =
  /** The hash of all pieces, one behind the other. */
  | {
      readonly kind: 'digest';
      readonly algorithm: 'sha1' | 'sha256';
      readonly pieces: readonly Uint8Array[];
    }
  /** The SHA-256 of a piece, which also goes on with that of its stream. */
  | {
      readonly kind: 'update';
      readonly stream: number;
      readonly piece: Uint8Array;
      readonly isFirst: boolean;
    }
  /** Ends a stream: its SHA-256, or nothing where nobody waits for it any more. */
  | { readonly kind: 'final' | 'drop'; readonly stream: number }
  /** The names of contents as Git blobs, and their Adler-32. */
  | { readonly kind: 'blobs'; readonly bytes: Uint8Array; readonly lengths: Uint32Array };

export interface HashAnswer {
  readonly number: number;
  readonly hash: Uint8Array;
  readonly sums?: Uint32Array;
}

/** Names of many contents: 20 bytes and one checksum for each. */
export interface BlobHashes {
  readonly names: Buffer;
  readonly sums: Uint32Array;
}

interface Waiting {
  readonly resolve: (answer: HashAnswer) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_THREADS = 2;
/** Where the thread's program is found; a program bundled into one file has none, and hashes on its own thread. */
const HERE = import.meta.url as string | undefined;

/** Memory that a thread can read too. */
export function sharedBuffer(bytes: number): Buffer<SharedArrayBuffer> {
  return Buffer.from(new SharedArrayBuffer(bytes));
}

/** Returns whether a thread reads these bytes without a copy. */
export function isShared(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof SharedArrayBuffer;
}

/** Hashes pieces as one. */
export async function digest(
  algorithm: 'sha1' | 'sha256',
  pieces: readonly Uint8Array[],
): Promise<Buffer> {
  const { hash } = await leastBusy().ask({ kind: 'digest', algorithm, pieces });
  return Buffer.from(hash);
}

/** Names contents, which stand one behind the other in `bytes`, as Git blobs. */
export async function hashBlobs(bytes: Uint8Array, lengths: Uint32Array): Promise<BlobHashes> {
  const { hash, sums } = await leastBusy().ask({ kind: 'blobs', bytes, lengths });
  return {
    names: Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength),
    sums: sums ?? new Uint32Array(0),
  };
}

/** The SHA-256 of a stream and of each of its pieces, in one go. */
export class StreamHash {
  readonly #thread = leastBusy();
  readonly #stream = this.#thread.newStream();
  #started = false;

  constructor() {
    abandoned.register(this, { thread: this.#thread, stream: this.#stream });
  }

  /** Goes on with a piece; returns the hash of that piece, in hex. */
  async update(piece: Uint8Array): Promise<string> {
    const isFirst = !this.#started;
    this.#started = true;
    const request = { kind: 'update', stream: this.#stream, piece, isFirst } as const;
    return Buffer.from((await this.#thread.ask(request)).hash).toString('hex');
  }

  /** Returns the hash of all pieces, of which there was one at least, in hex. */
  async end(): Promise<string> {
    const { hash } = await this.#thread.ask({ kind: 'final', stream: this.#stream });
    return Buffer.from(hash).toString('hex');
  }
}

/** One thread and what it was asked. */
class HashThread {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #numbers = 0;
  #streams = 0;

  get load(): number {
    return this.#waiting.size;
  }

  newStream(): number {
    this.#streams += 1;
    return this.#streams;
  }

  async ask(request: HashRequest): Promise<HashAnswer> {
    if (HERE === undefined) {
      return { number: 0, ...work(request) };
    }
    const worker = this.#running();
    this.#numbers += 1;
    const number = this.#numbers;
    return await new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      worker.ref();
      worker.postMessage({ number, request });
    });
  }

  drop(stream: number): void {
    this.#worker?.postMessage({ number: 0, request: { kind: 'drop', stream } });
  }

  #running(): Worker {
    if (this.#worker) {
      return this.#worker;
    }
    const worker = startWorker();
    worker.on('message', (answer: HashAnswer) => {
      this.#waiting.get(answer.number)?.resolve(answer);
      this.#waiting.delete(answer.number);
      if (this.#waiting.size === 0) {
        worker.unref();
      }
    });
    worker.on('error', (error) => this.#fail(worker, error));
    worker.on('exit', () => this.#fail(worker, undefined));
    this.#worker = worker;
    return worker;
  }

  /** What was under way is lost, streams too; the next request starts another thread. */
  #fail(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) {
      return;
    }
    this.#worker = undefined;
    const error = new EngineError('internal', 'Cannot hash: the thread that does so has ended', {
      cause,
    });
    for (const { reject } of this.#waiting.values()) {
      reject(error);
    }
    this.#waiting.clear();
  }
}

function startWorker(): Worker {
  if (!HERE?.endsWith('.ts')) {
    return new Worker(new URL('./hash-worker.js', HERE));
  }
  // The sources, as tests run them: a thread does not inherit the loader of TypeScript.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const file = JSON.stringify(new URL('./hash-worker.ts', HERE).href);
  const start = `import(${loader}).then(({ register }) => (register(), import(${file})));`;
  return new Worker(start, { eval: true });
}

const threads: HashThread[] = [];

/** Streams that were begun and, since their upload broke off, never ended. */
const abandoned = new FinalizationRegistry<{ thread: HashThread; stream: number }>(
  ({ thread, stream }) => thread.drop(stream),
);

function leastBusy(): HashThread {
  const most = HERE === undefined ? 1 : Math.min(MAX_THREADS, availableParallelism());
  if (threads.length < most) {
    const thread = new HashThread();
    threads.push(thread);
    return thread;
  }
  return threads.reduce((least, one) => (one.load < least.load ? one : least)) as HashThread;
}
