// What changes in the engine while the page is open: views say what concerns them and load anew when it changes. The only
// place that follows the journal.

import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EngineStatus } from '../../engine/server/wire.ts';
import { ApiError, get } from './api.ts';
import { needsSignIn } from './session.ts';

/** What changed, by keys; undefined where that is not known, so that anything may have. */
export interface Change {
  readonly repos: readonly string[];
  readonly branches: readonly string[];
  readonly commits: readonly string[];
  readonly pipelines: readonly string[];
  readonly jobs: readonly string[];
}

type Listener = (change: Change | undefined) => void;

const POLL_MS = 1500;
const AWAY_MS = 3000;
/** However much happens, a view does not load more often. */
const SPARE_MS = 400;

/** Whether the engine answers. */
export const isAway = signal(false);

const listeners = new Set<Listener>();

/** Tells everybody of a change, such as one that the page has just made itself. */
export function announce(change?: Change): void {
  for (const listener of listeners) {
    listener(change);
  }
}

/** Follows the engine for as long as the page is open. */
export async function startLive(): Promise<void> {
  let last: number | undefined;
  for (;;) {
    try {
      const { sequence } = await get<EngineStatus>('/engine');
      const wasAway = isAway.value;
      isAway.value = false;
      if (wasAway || (last !== undefined && sequence !== last)) {
        announce();
      }
      last = sequence;
    } catch (error) {
      isAway.value = error instanceof ApiError && error.status === 0;
    }
    await pause(isAway.value ? AWAY_MS : POLL_MS);
    await seen();
  }
}

/** What a view has loaded. */
export interface Loaded<T> {
  /** Undefined until it has come for the first time. */
  readonly value: T | undefined;
  readonly error: ApiError | undefined;
  readonly reload: () => void;
}

/**
 * Loads something and keeps it up to date. `key` says what it is: another one loads anew. `concerns` tells of which changes it
 * is loaded again; all, where it is left out. What was loaded stays in sight while it is.
 */
export function useLive<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  concerns: (change: Change) => boolean = () => true,
): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: ApiError }>({ key });
  const latest = useRef({ load, concerns });
  latest.current = { load, concerns };
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    const ended = new AbortController();
    let isLoading = false;
    let isStale = false;
    let last = 0;
    const run = async () => {
      if (isLoading) {
        isStale = true;
        return;
      }
      isLoading = true;
      await pause(Math.max(0, last + SPARE_MS - performance.now()));
      do {
        isStale = false;
        last = performance.now();
        try {
          const value = await latest.current.load(ended.signal);
          if (!ended.signal.aborted) {
            setState({ key, value });
          }
        } catch (error) {
          if (!ended.signal.aborted) {
            const told = asApiError(error);
            setState((old) =>
              old.key === key && old.value !== undefined && told.status === 0
                ? { ...old, error: told }
                : { key, error: told },
            );
          }
        }
        if (isStale) {
          await pause(SPARE_MS);
        }
      } while (isStale && !ended.signal.aborted);
      isLoading = false;
    };
    const onChange: Listener = (change) => {
      if (change === undefined || latest.current.concerns(change)) {
        void run();
      }
    };
    again.current = () => void run();
    listeners.add(onChange);
    const unsubscribe = needsSignIn.subscribe((needed) => {
      if (!needed && last > 0) {
        void run();
      }
    });
    void run();
    return () => {
      listeners.delete(onChange);
      unsubscribe();
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

/** Returns an error as one that can be shown. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError({
        status: -1,
        code: 'internal',
        detail: `Cannot show this: the page has met an error of its own: ${String(error)}`,
      });
}

function pause(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves when somebody can see the page. */
function seen(): Promise<void> {
  return document.visibilityState === 'visible'
    ? Promise.resolve()
    : new Promise((resolve) =>
        document.addEventListener('visibilitychange', () => resolve(), { once: true }),
      );
}
