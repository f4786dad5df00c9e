// The command of a datum in its place: with its buckets open and its lazy files fed, while the disk is watched. It tells nothing
// of whose fault an end is, but for what others left in a container.

import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { RunResult } from '../executor/executor.ts';
import { FOREIGN_FAULT, isForeignFault } from './attempt-reason.ts';
import { type BucketDoor, openBuckets } from './datum-buckets.ts';
import type { DatumPlace } from './datum-place.ts';
import { type DatumStats, timed } from './datum-stats.ts';
import type { DatumRunOptions, DatumTask, MountEntry } from './datum-task.ts';
import type { DiskGuard } from './disk-guard.ts';
import { LazyPipes } from './lazy-pipes.ts';
import type { LineTail } from './line-tail.ts';

/** Why a command was ended by us, as its datum's own fault. */
export interface Refusal {
  readonly kind: 'refused';
  readonly reason: string;
}

export type CommandOptions = Pick<DatumRunOptions, 'onLog'> & {
  readonly stats: DatumStats;
  /** Aborts when the datum is to end. */
  readonly cut: AbortController;
  /** Takes what it prints last. */
  readonly tail: LineTail;
};

export interface DatumCommandOptions {
  readonly clock: Clock;
  readonly place: DatumPlace;
  readonly disk: DiskGuard;
  /** Of the place, for what it needs meanwhile. */
  readonly directory: string;
  readonly buckets: BucketDoor | undefined;
}

/** Runs the commands of one place, one at a time. */
export class DatumCommand {
  readonly #options: DatumCommandOptions;

  constructor(options: DatumCommandOptions) {
    this.#options = options;
  }

  /**
   * Runs a task's command; in a new container where the one that was kept fails by what others left in it. Rejects with
   * `cancelled`, and where executor, store or machine failed.
   */
  async run(task: DatumTask, options: CommandOptions): Promise<RunResult | Refusal> {
    const { cut, onLog, tail, stats } = options;
    const { place, disk, clock } = this.#options;
    const { command, stdin, environment: env, workingDirectory, timeoutMs } = task;
    const spec = {
      command,
      ...(stdin === undefined ? {} : { stdin }),
      ...(workingDirectory === undefined ? {} : { workingDirectory }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(task.takesDatums ? { takesDatums: true } : {}),
      onOutput: (chunk: Buffer) => {
        tail.push(chunk);
        return onLog?.(chunk);
      },
    };
    for (;;) {
      let wasFresh = true;
      try {
        const result = await place.use(cut.signal, async (worker, { isFresh }) => {
          wasFresh = isFresh;
          return await this.#withBuckets(task, (own) => {
            const all = { ...env, ...place.secrets.environment, ...own };
            const run = (signal: AbortSignal) => worker.run({ ...spec, env: all, signal });
            return timed(() => disk.watch(cut, () => this.#feeding(task, options, run)), {
              clock,
              stats,
              key: 'processMs',
            });
          });
        });
        const refusal = refusalBy(cut.signal);
        if (refusal || wasFresh || !isForeignFault(result, task)) {
          return refusal ?? result;
        }
        await onLog?.(Buffer.from(FOREIGN_FAULT));
        await place.discardWorker();
      } catch (error) {
        const refusal = refusalBy(cut.signal);
        if (refusal) {
          return refusal;
        }
        await this.#discardOn(error);
        // A container that stood idle may have been removed meanwhile, by people or a restart of Docker.
        if (wasFresh || !isEngineError(error, 'unavailable')) {
          throw error;
        }
      }
    }
  }

  /** Runs a command while its lazy files are fed; what they gave counts as downloaded. */
  async #feeding<T>(
    task: DatumTask,
    options: CommandOptions,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal } = options.cut;
    if (!isLazy(task.entries)) {
      return await run(signal);
    }
    const { contents } = task;
    const pipes = new LazyPipes(await this.#options.place.lazy(contents), {
      contents,
      clock: this.#options.clock,
      spareDirectory: join(this.#options.directory, 'pipes'),
    });
    try {
      return await pipes.feed((failed) => run(AbortSignal.any([signal, failed])));
    } finally {
      options.stats.downloadBytes += pipes.bytes;
    }
  }

  /** Runs a command while its buckets are open. */
  async #withBuckets<T>(
    { buckets }: DatumTask,
    run: (environment: Readonly<Record<string, string>>) => Promise<T>,
  ): Promise<T> {
    if (!buckets) {
      return await run({});
    }
    const { out } = this.#options.place;
    if (buckets.isOutput) {
      await out.open();
    }
    const open = await openBuckets(this.#options.buckets, { buckets, out });
    try {
      return await run(open.environment);
    } finally {
      out.close();
      await open.close();
    }
  }

  async #discardOn(error: unknown): Promise<void> {
    if (!isEngineError(error, 'cancelled')) {
      await this.#options.place.discardWorker();
    }
  }
}

function isLazy(entries: readonly MountEntry[]): boolean {
  return entries.some(({ lazy }) => lazy === true);
}

/** Says why we ended what runs under this signal; undefined where we did not. */
export function refusalBy(signal: AbortSignal): Refusal | undefined {
  const { reason } = signal;
  return isEngineError(reason, 'resource_exhausted')
    ? { kind: 'refused', reason: reason.message }
    : undefined;
}
