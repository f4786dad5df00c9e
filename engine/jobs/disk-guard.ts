// Watches what user code writes while it writes: the room on the disk, and how much is in its output. It ends the command before
// the disk is full, or once its output is more than it may be.

import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import { usedBytes } from './host-directory.ts';
import { diskFreeBytes } from './host-file.ts';

const LOOK_MS = 1000;
/** Looking into a large output takes at most about one part in so many of the time. */
const LOOK_SHARE = 10;
const MiB = 1024 * 1024;

export interface DiskGuardOptions {
  /** On the disk that is watched. */
  readonly directory: string;
  /** What must stay free on it. */
  readonly minFreeBytes: number;
  readonly clock: Clock;
  /** The most that may be in the directories of the output, all together; no limit where undefined. */
  readonly output?: {
    readonly directories: readonly string[];
    readonly maxBytes: number | undefined;
  };
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
   * Runs `work`, and aborts `command` with `resource_exhausted` as the reason once the disk gets short of room meanwhile, or the
   * output is too large, also at its end. One at a time.
   */
  async watch<T>(command: AbortController, work: () => Promise<T>): Promise<T> {
    this.#command = command;
    if (this.#looking === undefined && this.#hasLimit) {
      const looking = new AbortController();
      this.#looking = looking;
      void this.#look(looking.signal);
    }
    try {
      const result = await work();
      await this.#checkOutput(command);
      return result;
    } finally {
      this.#command = undefined;
    }
  }

  /** Says that nothing will be watched for a while. */
  rest(): void {
    this.#looking?.abort();
    this.#looking = undefined;
  }

  get #hasLimit(): boolean {
    const { minFreeBytes, output } = this.#options;
    return minFreeBytes > 0 || output?.maxBytes !== undefined;
  }

  /** Looks until a look finds nothing to watch. */
  async #look(over: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (let took = 0; ; ) {
      try {
        await clock.sleep(Math.max(LOOK_MS, took * LOOK_SHARE), { signal: over });
      } catch {
        return;
      }
      const command = this.#command;
      if (command === undefined || command.signal.aborted) {
        this.#looking = undefined;
        return;
      }
      const began = clock.monotonic();
      await this.#checkRoom(command);
      await this.#checkOutput(command);
      took = clock.monotonic() - began;
    }
  }

  async #checkRoom(command: AbortController): Promise<void> {
    const { directory, minFreeBytes, freeBytes = diskFreeBytes } = this.#options;
    if (minFreeBytes <= 0) {
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

  async #checkOutput(command: AbortController): Promise<void> {
    const { directories = [], maxBytes } = this.#options.output ?? {};
    if (maxBytes === undefined || command.signal.aborted) {
      return;
    }
    // What nobody may look into is told by whoever collects it.
    const used = await usedBytes(directories, maxBytes).catch(() => 0);
    if (used > maxBytes && command === this.#command) {
      command.abort(
        new EngineError(
          'resource_exhausted',
          `it wrote more output than resource_limits.disk allows (${Math.round((maxBytes / MiB) * 10) / 10} MiB); raise the limit, or write less`,
        ),
      );
    }
  }
}
