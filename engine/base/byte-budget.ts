import { EngineError } from './errors.ts';

/**
 * One bound on all the bytes in flight in a process. Whoever fills a large buffer acquires its size first and
 * releases it when the buffer is gone, so that memory does not grow with the number of clients. First come,
 * first served.
 */
export class ByteBudget {
  readonly #total: number;
  #free: number;
  readonly #waiting: { bytes: number; grant: () => void }[] = [];

  constructor(totalBytes: number) {
    this.#total = totalBytes;
    this.#free = totalBytes;
  }

  /** All bytes that there are. */
  get total(): number {
    return this.#total;
  }

  /** Waits until `bytes` are free and takes them; returns the function that gives them back, once. */
  async acquire(bytes: number, options: { signal?: AbortSignal } = {}): Promise<() => void> {
    const wanted = Math.min(bytes, this.#total);
    if (this.#waiting.length > 0 || wanted > this.#free) {
      await this.#wait(wanted, options.signal);
    } else {
      this.#free -= wanted;
    }
    let released = false;
    return () => {
      if (!released) {
        released = true;
        this.#free += wanted;
        this.#grant();
      }
    };
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = {
        bytes,
        grant: () => {
          signal?.removeEventListener('abort', cancel);
          resolve();
        },
      };
      const cancel = () => {
        const index = this.#waiting.indexOf(entry);
        if (index >= 0) {
          this.#waiting.splice(index, 1);
          reject(new EngineError('cancelled', 'Cannot wait for memory: the work was cancelled'));
          this.#grant();
        }
      };
      this.#waiting.push(entry);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  #grant(): void {
    for (let next = this.#waiting[0]; next && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.grant();
    }
  }
}
