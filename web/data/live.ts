// What changes in the engine while the page is open. The only place that follows it: views say what concerns them.

import { signal } from '@preact/signals';
import type { Change } from '../../engine/server/wire-events.ts';
import { asApiError } from './api.ts';
import { readEvents } from './events.ts';

export type { Change };

type Listener = (change: Change | undefined) => void;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/** Whether the engine does not answer. */
export const isAway = signal(false);

const listeners = new Set<Listener>();

/** Calls `listener` at every change, with undefined where anything may have changed; returns the way to end that. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Tells everybody that anything may have changed. */
export function announce(change?: Change): void {
  for (const listener of listeners) {
    listener(change);
  }
}

/** Follows the engine for as long as the page is open. */
export async function startLive(): Promise<void> {
  let last: number | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  const { signal: never } = new AbortController();
  for (;;) {
    try {
      const onOpen = () => {
        const wasAway = isAway.value;
        isAway.value = false;
        pauseMs = FIRST_PAUSE_MS;
        if (wasAway && last === undefined) {
          announce();
        }
      };
      for await (const event of readEvents(last, { signal: never, onOpen })) {
        last = event.seq;
        if (event.kind !== 'moved') {
          announce(event.kind === 'change' ? event.change : undefined);
        }
      }
    } catch (error) {
      const { status } = asApiError(error);
      isAway.value = status === 0;
      if (status === 400) {
        // The position is none of this store: it is another one than before.
        last = undefined;
        announce();
      }
    }
    await pause(pauseMs);
    pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
  }
}

/** Resolves after a while. */
export function pause(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
