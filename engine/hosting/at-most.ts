// Waiting for something, and no longer than so long.

import type { Clock } from '../base/clock.ts';

/** Resolves when `work` does, when so much time has passed, or when the signal aborts. */
export async function atMost(
  work: Promise<unknown>,
  limit: { readonly ms: number; readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<void> {
  const { ms, clock, signal } = limit;
  const over = new AbortController();
  const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const late = clock.sleep(ms, { signal: either }).catch(() => undefined);
  await Promise.race([work, late]);
  over.abort();
}
