// The only door through which time comes into the engine.

/** Time as a port, so that tests and simulations hold it in their hands. */
export interface Clock {
  /** Milliseconds since the Unix epoch, by this machine's wall clock. For records, never for deadlines. */
  now(): number;
  /** Milliseconds on a clock that never goes backwards. For deadlines and leases. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with `cancelled` once `signal` aborts. */
  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
}
