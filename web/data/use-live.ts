// Loading what a view shows, and keeping it up to date.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { asApiError } from './api.ts';
import { type Change, onChange, pause } from './live.ts';

/** However much happens, a view does not load more often. */
const SPARE_MS = 400;

/** What a view has loaded. */
export interface Loaded<T> {
  /** Undefined until it has come for the first time. */
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  readonly reload: () => void;
}

/** What was loaded before, and all that has changed since. */
export interface Since<T> {
  readonly value: T;
  readonly changes: readonly Change[];
}

/**
 * Loads something and keeps it up to date. `key` says what it is: another one loads anew. `concerns` tells of which changes it
 * is loaded again; all, where it is left out. What was loaded stays in sight while it is. `since` is given to `load` where it is
 * known what has changed, so that it need not load the rest.
 */
export function useLive<T>(
  key: string,
  load: (signal: AbortSignal, since: Since<T> | undefined) => Promise<T>,
  concerns: (change: Change) => boolean = () => true,
): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: ApiError }>({ key });
  const latest = useRef({ load, concerns });
  latest.current = { load, concerns };
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    const ended = new AbortController();
    const loader = new Loader<T>(ended.signal, {
      load: (since) => latest.current.load(ended.signal, since),
      onValue: (value) => setState({ key, value }),
      onError: (error) =>
        setState((old) =>
          old.key === key && old.value !== undefined && isPassing(error)
            ? { ...old, error }
            : { key, error },
        ),
    });
    again.current = () => loader.poke(undefined);
    const stop = onChange((change) => {
      if (change === undefined || latest.current.concerns(change)) {
        loader.poke(change);
      }
    });
    loader.poke(undefined);
    return () => {
      stop();
      ended.abort();
    };
  }, [key]);

  const isCurrent = state.key === key;
  return {
    value: isCurrent ? state.value : undefined,
    error: isCurrent ? state.error : undefined,
    reload: () => again.current(),
  };
}

/** Whether an error says nothing about what was loaded before: that stays in sight. */
export function isPassing({ status }: ApiError): boolean {
  return status <= 0 || status === 401 || status === 429 || status >= 500;
}

interface LoaderOptions<T> {
  readonly load: (since: Since<T> | undefined) => Promise<T>;
  readonly onValue: (value: T) => void;
  readonly onError: (error: ApiError) => void;
}

/** Loads one thing again and again, one time after the other, never too often. */
class Loader<T> {
  readonly #signal: AbortSignal;
  readonly #options: LoaderOptions<T>;
  #isRunning = false;
  #isStale = false;
  /** What has changed since the last load; undefined where that is not known. */
  #changes: Change[] | undefined;
  #value: T | undefined;
  #last = Number.NEGATIVE_INFINITY;

  constructor(signal: AbortSignal, options: LoaderOptions<T>) {
    this.#signal = signal;
    this.#options = options;
  }

  poke(change: Change | undefined): void {
    if (change === undefined) {
      this.#changes = undefined;
    } else {
      this.#changes?.push(change);
    }
    this.#isStale = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) {
      return;
    }
    this.#isRunning = true;
    while (this.#isStale && !this.#signal.aborted) {
      await pause(this.#last + SPARE_MS - performance.now());
      this.#isStale = false;
      const [value, changes] = [this.#value, this.#changes];
      this.#changes = [];
      this.#last = performance.now();
      try {
        const since = value !== undefined && changes ? { value, changes } : undefined;
        this.#value = await this.#options.load(since);
        if (!this.#signal.aborted) {
          this.#options.onValue(this.#value);
        }
      } catch (error) {
        this.#changes = undefined;
        if (!this.#signal.aborted) {
          this.#options.onError(asApiError(error));
        }
      }
    }
    this.#isRunning = false;
  }
}
