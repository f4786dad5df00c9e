// The event loop of a simulated world: one queue of events on one clock, so that the same seed gives the same run. Import
// it before any of the engine's files: it puts itself in the place of what Node does on other threads and in other turns.

import { createHash, webcrypto } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import workerThreads from 'node:worker_threads';
import zlib from 'node:zlib';
import type { Clock } from '../../engine/base/clock.ts';
import { EngineError } from '../../engine/base/errors.ts';
import type { HashRequest } from '../../engine/object/hash-threads.ts';
import { work } from '../../engine/object/hash-worker.ts';

/** Whose events can be held up, or never come: an engine. */
export interface Owner {
  /** Nothing reaches it before this time. */
  frozenUntil: number;
  /** Nothing reaches it any more. */
  isDead: boolean;
}

interface Event {
  readonly time: number;
  readonly order: number;
  readonly owner: Owner | undefined;
  readonly run: () => void;
}

const START = 1_700_000_000_000;
/** More events than any run needs: a run that reaches it goes round in circles. */
const MAX_EVENTS = 500_000;

let active: Loop | undefined;

/** Simulated time, and everything that waits for it. */
export class Loop {
  /** What happened, a line each. */
  readonly trace: string[] = [];
  #time = START;
  #order = 0;
  #events: Event[] = [];
  #immediates: (() => void)[] = [];

  /** Milliseconds since the Unix epoch. */
  get time(): number {
    return this.#time;
  }

  /** Runs `run` in `ms` milliseconds; an owner's events wait while it is frozen and die with it. */
  after(ms: number, run: () => void, owner?: Owner): void {
    this.#insert({ time: this.#time + Math.ceil(ms), order: ++this.#order, owner, run });
  }

  /** Runs `run` in the next turn. */
  soon(run: () => void): void {
    this.#immediates.push(run);
  }

  /** Resolves in `ms` milliseconds. */
  sleep(ms: number, owner?: Owner): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve, owner));
  }

  /** Adds a line to the trace. */
  note(line: string): void {
    this.trace.push(`${String(this.#time - START).padStart(8)}  ${line}`);
  }

  /** Runs `main` to its end, and `check` after every step in which something happened. */
  async run<T>(main: () => Promise<T>, check: () => Promise<void>): Promise<T> {
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    active = this;
    try {
      main().then(
        (value) => {
          outcome = { value };
        },
        (error: unknown) => {
          outcome = { error };
        },
      );
      for (let step = 0; ; step++) {
        await settle();
        await check();
        if (outcome) {
          break;
        }
        if (step > MAX_EVENTS) {
          throw new Error('the simulation does not come to an end');
        }
        this.#next();
      }
    } finally {
      active = undefined;
    }
    if ('error' in outcome) {
      throw outcome.error;
    }
    return outcome.value;
  }

  #next(): void {
    const turn = this.#immediates;
    if (turn.length > 0) {
      this.#immediates = [];
      for (const run of turn) {
        run();
      }
      return;
    }
    const event = this.#events.pop();
    if (!event) {
      throw new Error('nothing is left to happen, and somebody still waits');
    }
    this.#time = event.time;
    const { owner } = event;
    if (owner?.isDead) {
      return;
    }
    if (owner && owner.frozenUntil > this.#time) {
      this.#insert({ ...event, time: owner.frozenUntil });
      return;
    }
    event.run();
  }

  /** Keeps the events in the order in which they come, the next one last. */
  #insert(event: Event): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#events[middle] as Event;
      const isLater =
        other.time > event.time || (other.time === event.time && other.order > event.order);
      if (isLater) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    this.#events.splice(low, 0, event);
  }
}

/** The clock of one machine of the simulated world. */
export class SimulatedClock implements Clock {
  /** How far its wall clock is off, in milliseconds. */
  offset: number;
  readonly #loop: Loop;
  readonly #owner: Owner | undefined;

  constructor(loop: Loop, options: { readonly owner?: Owner; readonly offset?: number } = {}) {
    this.#loop = loop;
    this.#owner = options.owner;
    this.offset = options.offset ?? 0;
  }

  now(): number {
    return Math.floor(this.#loop.time + this.offset);
  }

  monotonic(): number {
    return this.#loop.time;
  }

  sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const cancel = () => reject(new EngineError('cancelled', 'Cannot wait any longer'));
      if (signal?.aborted) {
        cancel();
        return;
      }
      signal?.addEventListener('abort', cancel, { once: true });
      const wake = () => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      this.#loop.after(ms, wake, this.#owner);
    });
  }
}

const realSetImmediate = globalThis.setImmediate;

/** Resolves when all that was ready to go on has gone on. */
function settle(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}

function soon(run: (...args: unknown[]) => void, ...args: unknown[]): unknown {
  if (!active) {
    return realSetImmediate(run, ...args);
  }
  active.soon(() => run(...args));
  return undefined;
}

type Callback = (error: Error | null, result?: Buffer) => void;

/** Does within this turn what Node does on another thread, and answers in the next one. */
function inTurn(name: 'gzip' | 'gunzip' | 'deflate' | 'inflate'): void {
  const real = zlib[name] as (bytes: Buffer, options: object, done: Callback) => void;
  const direct = zlib[`${name}Sync`] as (bytes: Buffer, options: object) => Buffer;
  const replacement = (bytes: Buffer, options: object | Callback, last?: Callback): void => {
    const done = (last ?? options) as Callback;
    const how = last ? (options as object) : {};
    if (!active) {
      real(bytes, how, done);
      return;
    }
    let result: Buffer | undefined;
    let failure: Error | null = null;
    try {
      result = direct(bytes, how);
    } catch (error) {
      failure = error as Error;
    }
    active.soon(() => done(failure, result));
  };
  (zlib as unknown as Record<string, unknown>)[name] = replacement;
}

let hashStreams = 0;

/** Hashes within this turn what the engine would have another thread hash, and answers in the next one. */
class InlineWorker extends EventEmitter {
  readonly #first = ++hashStreams * 1_000_000;

  postMessage({ number, request }: { number: number; request: HashRequest }): void {
    // Each thread counts its streams for itself, and here all are one.
    const own =
      'stream' in request ? { ...request, stream: request.stream + this.#first } : request;
    const answer = { number, ...work(own) };
    soon(() => this.emit('message', answer));
  }

  ref(): void {}

  unref(): void {}
}

const RealWorker = workerThreads.Worker;
workerThreads.Worker = function worker(...args: ConstructorParameters<typeof RealWorker>) {
  // What compiles the modules that are loaded later has threads of its own.
  return String(args[0]).includes('hash-worker') ? new InlineWorker() : new RealWorker(...args);
} as unknown as typeof workerThreads.Worker;
globalThis.setImmediate = soon as typeof setImmediate;
const realTurn = timers.setImmediate;
timers.setImmediate = (<T>(value?: T): Promise<T> => {
  const loop = active;
  return loop
    ? new Promise<T>((resolve) => loop.soon(() => resolve(value as T)))
    : realTurn(value as T);
}) as typeof timers.setImmediate;
for (const name of ['gzip', 'gunzip', 'deflate', 'inflate'] as const) {
  inTurn(name);
}
const realDigest = webcrypto.subtle.digest.bind(webcrypto.subtle);
webcrypto.subtle.digest = async (algorithm, bytes) => {
  if (!active) {
    return await realDigest(algorithm, bytes);
  }
  const view = ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes);
  const digest = createHash(String(algorithm).replace('-', '')).update(view).digest();
  return Uint8Array.from(digest).buffer;
};
// Where it is missing, isomorphic-git compresses in this thread.
Reflect.deleteProperty(globalThis, 'CompressionStream');
syncBuiltinESMExports();
