// The datums of a job that wait for a worker. The next few are found and prepared while others run, so that a worker that
// becomes free waits for nothing; they belong to no worker until one takes them.

import { Wake } from './wake.ts';

export interface DatumQueueOptions<T> {
  /** How many wait at most. */
  readonly ahead: number;
  /** Begins what can be done for one before a worker is free. What it rejects with is for the worker to meet again. */
  readonly prepare: (item: T) => Promise<void>;
}

/** Reads ahead of those who take. */
export class DatumQueue<T> {
  readonly #source: AsyncIterator<T>;
  readonly #options: DatumQueueOptions<T>;
  readonly #ready: T[] = [];
  readonly #preparing = new Set<Promise<void>>();
  readonly #changed = new Wake();
  #filling: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(source: AsyncIterator<T>, options: DatumQueueOptions<T>) {
    this.#source = source;
    this.#options = options;
  }

  /** Resolves with whether there is any to take; rejects with what the source failed with. */
  async hasNext(): Promise<boolean> {
    for (;;) {
      if (this.#ready.length > 0) {
        return true;
      }
      if (this.#failure) {
        throw this.#failure.error;
      }
      if (this.#isOver) {
        return false;
      }
      const change = this.#changed.next;
      this.#fill();
      await change;
    }
  }

  /** Takes the next one; undefined when there is none any more. */
  async next(): Promise<T | undefined> {
    while (await this.hasNext()) {
      const item = this.#ready.shift();
      this.#fill();
      // Another worker may have been faster.
      if (item !== undefined) {
        return item;
      }
    }
    return undefined;
  }

  /** Finds no more; resolves when nothing is being found or prepared. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#ready.length = 0;
    await this.#filling;
    await Promise.all(this.#preparing);
    this.#changed.notify();
  }

  #fill(): void {
    if (this.#filling === undefined && !this.#isOver) {
      this.#filling = this.#read().finally(() => {
        this.#filling = undefined;
        this.#changed.notify();
      });
    }
  }

  async #read(): Promise<void> {
    const { ahead } = this.#options;
    try {
      while (!this.#isOver && this.#ready.length < ahead) {
        const step = await this.#source.next();
        if (step.done) {
          this.#isOver = true;
        } else if (!this.#isOver) {
          this.#prepare(step.value);
          this.#ready.push(step.value);
          this.#changed.notify();
        }
      }
    } catch (error) {
      this.#failure = { error };
    }
  }

  #prepare(item: T): void {
    const preparing = this.#options
      .prepare(item)
      .catch(() => undefined)
      .finally(() => this.#preparing.delete(preparing));
    this.#preparing.add(preparing);
  }
}
