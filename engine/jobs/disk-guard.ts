// Watches the room on the disk while user code writes to it, and ends the command before the disk is full.

import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import { diskFreeBytes } from './host-file.ts';

const LOOK_MS = 1000;

export interface DiskGuardOptions {
  /** On the disk that is watched. */
  readonly directory: string;
  /** What must stay free on it. */
  readonly minFreeBytes: number;
  readonly clock: Clock;
  /** Says how much room the disk has; asks the file system where not named. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** Guards one disk. */
export class DiskGuard {
  readonly #options: DiskGuardOptions;

  constructor(options: DiskGuardOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` with a signal that aborts when `signal` does or the disk gets short of room; rejects with
   * `resource_exhausted` in that case, once `work` has ended.
   */
  async watch<T>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const full = new AbortController();
    const over = new AbortController();
    const looking = this.#look(over.signal, full);
    try {
      return await work(signal ? AbortSignal.any([signal, full.signal]) : full.signal);
    } catch (error) {
      throw full.signal.aborted && signal?.aborted !== true ? full.signal.reason : error;
    } finally {
      over.abort();
      await looking;
    }
  }

  async #look(over: AbortSignal, full: AbortController): Promise<void> {
    const { clock, directory, minFreeBytes, freeBytes = diskFreeBytes } = this.#options;
    while (minFreeBytes > 0) {
      try {
        await clock.sleep(LOOK_MS, { signal: over });
      } catch {
        return;
      }
      // A disk that can't be asked says so to whoever reads or writes it next.
      const free = await freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
      if (free < minFreeBytes) {
        full.abort(
          new EngineError(
            'resource_exhausted',
            `the disk of "${directory}" has ${free} bytes free, and ${minFreeBytes} must stay free: the command was ended; make room, or write less at a time`,
          ),
        );
        return;
      }
    }
  }
}
