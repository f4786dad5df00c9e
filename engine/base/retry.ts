import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** How often, and how long apart, an operation is tried again. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly tries: number;
  /** Wait before the second try, in milliseconds; doubles with each try. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: RetryPolicy;
  /** Says whether trying again can help. */
  readonly isTransient: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * Runs `operation` until it succeeds, fails for good, or the policy's tries are used up, and then rejects with
 * the last error; with `cancelled` once the signal has aborted. Waits grow exponentially, with full jitter.
 */
export async function retry<T>(operation: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, random, policy, isTransient, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (attempt >= policy.tries || !isTransient(error)) {
        throw error;
      }
      const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
      await clock.sleep(ceiling * (0.5 + random.fraction() / 2), signal ? { signal } : {});
    }
  }
}
