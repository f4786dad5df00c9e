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

/** Guards one disk for the commands of one worker, of which thousands may come and go between two looks. */
export class DiskGuard {
  readonly #options: DiskGuardOptions;
  #command: AbortController | undefined;
  #looking: AbortController | undefined;

  constructor(options: DiskGuardOptions) {
    this.#options = options;
  }

  /**
   * Runs `work`, and aborts `command` with `resource_exhausted` as the reason once the disk gets short of room meanwhile.
   * One at a time.
   */
  async watch<T>(command: AbortController, work: () => Promise<T>): Promise<T> {
    this.#command = command;
    if (this.#looking === undefined && this.#options.minFreeBytes > 0) {
      const looking = new AbortController();
      this.#looking = looking;
      void this.#look(looking.signal);
    }
    try {
      return await work();
    } finally {
      this.#command = undefined;
    }
  }

  /** Says that nothing will be watched for a while. */
  rest(): void {
    this.#looking?.abort();
    this.#looking = undefined;
  }

  /** Looks until a look finds nothing to watch. */
  async #look(over: AbortSignal): Promise<void> {
    const { clock, directory, minFreeBytes, freeBytes = diskFreeBytes } = this.#options;
    for (;;) {
      try {
        await clock.sleep(LOOK_MS, { signal: over });
      } catch {
        return;
      }
      const command = this.#command;
      if (command === undefined) {
        this.#looking = undefined;
        return;
      }
      // A disk that can't be asked says so to whoever reads or writes it next.
      const free = await freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
      // A command that has ended meanwhile wrote no more than was there.
      if (free < minFreeBytes && command === this.#command) {
        command.abort(
          new EngineError(
            'resource_exhausted',
            `the disk of "${directory}" has ${free} bytes free, and ${minFreeBytes} must stay free: the command was ended; make room, or write less at a time`,
          ),
        );
      }
    }
  }
}
