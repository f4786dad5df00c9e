// Everyone who follows the journal inside one engine: listeners, waiters, change streams. Nobody polls.

import { EngineError } from '../base/errors.ts';

interface Waiter<S> {
  check(state: S): void;
  fail(error: unknown): void;
}

/** Tells followers of every entry, right after it was folded in. */
export class Watchers<S, E> {
  readonly #listeners = new Set<(event: E) => void>();
  readonly #waiters = new Set<Waiter<S>>();
  readonly #onProblem: (error: unknown) => void;
  #failure: EngineError | undefined;

  constructor(onProblem: (error: unknown) => void) {
    this.#onProblem = onProblem;
  }

  /** Calls `listener` with every event from now on; returns the function that ends it. */
  subscribe(listener: (event: E) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves with what `predicate` gives for the first state for which it gives anything but undefined. */
  waitFor<T>(
    predicate: (state: S) => T | undefined,
    options: { readonly state: S; readonly signal?: AbortSignal },
  ): Promise<T> {
    const { state, signal } = options;
    return new Promise<T>((resolve, reject) => {
      const stop = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', cancel);
      };
      const cancel = () => waiter.fail(cancelled(signal));
      const waiter: Waiter<S> = {
        check(current) {
          const value = predicate(current);
          if (value !== undefined) {
            stop();
            resolve(value);
          }
        },
        fail(error) {
          stop();
          reject(error);
        },
      };
      if (this.#failure || signal?.aborted) {
        reject(this.#failure ?? cancelled(signal));
        return;
      }
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#check(waiter, state);
    });
  }

  notify(state: S, event: E): void {
    for (const waiter of [...this.#waiters]) {
      this.#check(waiter, state);
    }
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#onProblem(error);
      }
    }
  }

  /** Fails everyone who waits, now and later. */
  fail(error: EngineError): void {
    this.#failure = error;
    for (const waiter of [...this.#waiters]) {
      waiter.fail(error);
    }
  }

  #check(waiter: Waiter<S>, state: S): void {
    try {
      waiter.check(state);
    } catch (error) {
      waiter.fail(error);
    }
  }
}

function cancelled(signal: AbortSignal | undefined): EngineError {
  return new EngineError('cancelled', 'Cannot wait any longer: the work was cancelled', {
    cause: signal?.reason,
  });
}
