// Puts of small objects, each carried out whole by a thread that waits for the disk. Of the cost of such a put most is the way
// to the system's own threads and back, once for every call: here all of its calls take one way. What does not succeed so is left to
// whoever asked, who has the longer way, and knows what to say of errors.

import { Worker } from 'node:worker_threads';
import { type SmallPut, work } from './small-put-worker.ts';

/** What is larger is worth the longer way. */
export const MAX_SMALL_BYTES = 64 * 1024;
/** As many as one write needs at once: a pack, and its index. */
const MAX_THREADS = 2;
/** Threads that nobody needs for so long end. */
const IDLE_MS = 15_000;
/** Where the thread's program is found; sources, and programs in one file, have none, and carry out puts at once. */
const HERE = import.meta.url as string | undefined;
const MEMORY = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

/**
 * Puts an object under a name that nothing has, durably. False where something has it, and where it was not possible or did not become
 * known; nothing but, perhaps, the object is left then. With `here` no thread is used, and whoever asks waits.
 */
export async function putSmall(
  put: Omit<SmallPut, 'bytes'> & { readonly pieces: readonly Uint8Array[]; readonly size: number },
  options: { readonly here: boolean },
): Promise<boolean> {
  const { pieces, size, ...rest } = put;
  // Memory of its own, of which a copy goes to the thread: so little is copied faster than handed over.
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  const request = { ...rest, bytes };
  if (options.here || !HERE?.endsWith('.js')) {
    return work(request);
  }
  const free = [...threads].find(({ isFree }) => isFree);
  if (!free && (threads.size === MAX_THREADS || isHopeless)) {
    return false;
  }
  return (await (free ?? startThread())?.put(request)) ?? false;
}

function startThread(): PutThread | undefined {
  try {
    return new PutThread();
  } catch {
    // No more processes are allowed, say.
    isHopeless = true;
    return undefined;
  }
}

/** One thread, which carries out one put at a time. */
class PutThread {
  readonly #worker = new Worker(new URL('./small-put-worker.js', HERE), { resourceLimits: MEMORY });
  #settle: ((isPut: boolean) => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor() {
    this.#worker.on('message', (isPut: boolean) => {
      this.#worker.unref();
      this.#idle = setTimeout(() => void this.#worker.terminate(), IDLE_MS).unref();
      this.#answer(isPut);
    });
    this.#worker.on('error', () => {
      // It may have been refused memory, or its program is missing: the next one would fare no better.
      isHopeless = true;
      this.#end();
    });
    this.#worker.on('exit', () => this.#end());
    threads.add(this);
  }

  get isFree(): boolean {
    return this.#settle === undefined;
  }

  put(request: SmallPut): Promise<boolean> {
    clearTimeout(this.#idle);
    this.#worker.ref();
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#worker.postMessage(request);
    });
  }

  #answer(isPut: boolean): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(isPut);
  }

  /** The put that it was at may have been carried out, or not: whoever asked finds out. */
  #end(): void {
    clearTimeout(this.#idle);
    threads.delete(this);
    this.#answer(false);
  }
}

const threads = new Set<PutThread>();
let isHopeless = false;
