// Writes batches of small files, several at a time: making a file is mostly work of the system, and on many disks a wait.
// Threads start with the first full batch, so that few files cost none.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FileBatch, type WriteAnswer, writeBatch } from './file-batch.ts';

const MAX_THREADS = 4;
/** A thread has one batch to go on with when it has written another. */
const BATCHES_OF_A_THREAD = 2;
const HERE = import.meta.url;

interface Thread {
  readonly worker: Worker;
  readonly waiting: FileBatch[];
}

/** Threads that write below one folder. */
export class FileThreads {
  readonly #folder: string;
  readonly #most = Math.min(MAX_THREADS, Math.max(2, availableParallelism()));
  readonly #threads: Thread[] = [];
  readonly #free: FileBatch[] = [];
  #batches = 0;
  #failed: { readonly error: unknown } | undefined;
  #onAnswer: (() => void) | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns an empty batch to fill, once there is one. Rejects with what kept an earlier one from being written. */
  async batch(): Promise<FileBatch> {
    for (;;) {
      this.#check();
      const free = this.#free.pop();
      if (free) {
        return free;
      }
      if (this.#batches <= this.#most * BATCHES_OF_A_THREAD) {
        this.#batches += 1;
        return new FileBatch();
      }
      await this.#answer();
    }
  }

  /** Has a thread write a batch that {@link FileThreads.batch} returned. */
  write(batch: FileBatch): void {
    const thread = this.#leastBusy();
    thread.waiting.push(batch);
    thread.worker.postMessage(batch.request(this.#folder));
  }

  /** Resolves once all is written, the complete files of `last` too; rejects with what could not be. */
  async finish(last?: FileBatch): Promise<void> {
    if (last) {
      this.#note(writeBatch(last.request(this.#folder)));
    }
    while (!this.#failed && this.#threads.some(({ waiting }) => waiting.length > 0)) {
      await this.#answer();
    }
    this.#check();
  }

  /** Ends all threads: nothing is written any more once it resolves. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #check(): void {
    if (this.#failed) {
      throw this.#failed.error;
    }
  }

  #note({ failed }: WriteAnswer): void {
    if (failed) {
      this.#failed ??= { error: Object.assign(new Error(failed.message), failed) };
    }
  }

  #answer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
  }

  #leastBusy(): Thread {
    const least = this.#threads.reduce<Thread | undefined>(
      (best, one) => (best && best.waiting.length <= one.waiting.length ? best : one),
      undefined,
    );
    return least && (least.waiting.length === 0 || this.#threads.length === this.#most)
      ? least
      : this.#start();
  }

  #start(): Thread {
    const thread: Thread = { worker: startWorker(), waiting: [] };
    thread.worker.on('message', (answer: WriteAnswer) => {
      const batch = thread.waiting.shift();
      batch?.clear();
      this.#free.push(...(batch ? [batch] : []));
      this.#note(answer);
      this.#onAnswer?.();
    });
    thread.worker.on('error', (error) => {
      this.#failed ??= { error };
      this.#onAnswer?.();
    });
    this.#threads.push(thread);
    return thread;
  }
}

function startWorker(): Worker {
  if (!HERE.endsWith('.ts')) {
    return new Worker(new URL('./file-thread.js', HERE));
  }
  // The sources, as tests run them: a thread does not inherit the loader of TypeScript.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const file = JSON.stringify(new URL('./file-thread.ts', HERE).href);
  const start = `import(${loader}).then(({ register }) => (register(), import(${file})));`;
  return new Worker(start, { eval: true });
}
