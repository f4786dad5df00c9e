// One place where datums are processed, one at a time: a warm container and the directories that it sees. It tells what
// is the user's failure, which counts as a try, from what is ours, which rejects.

import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import { linkAbort } from '../base/linked-abort.ts';
import type { Attempt } from './attempt.ts';
import { exitCodeOf, failureReason } from './attempt-reason.ts';
import type { BucketDoor } from './datum-buckets.ts';
import { DatumCommand, refusalBy } from './datum-command.ts';
import { DatumPlace, type DatumPlaceOptions } from './datum-place.ts';
import { type DatumStats, noStats, timed } from './datum-stats.ts';
import type { DatumOutcome, DatumRunOptions, DatumTask } from './datum-task.ts';
import { DiskGuard } from './disk-guard.ts';
import { LineTail } from './line-tail.ts';

export interface DatumRunnerOptions extends DatumPlaceOptions {
  readonly clock: Clock;
  /** Serves what commands read and write through S3; without it such datums are refused. */
  readonly buckets: BucketDoor | undefined;
  /** What must stay free on the disk of its directory while user code writes to it. */
  readonly minFreeBytes: number;
}

type RunOptions = Pick<DatumRunOptions, 'onLog'> & {
  readonly stats: DatumStats;
  /** Aborts when the datum is to end. */
  readonly cut: AbortController;
};

/** Processes datums of one pipeline, one after the other. */
export class DatumRunner {
  readonly #options: DatumRunnerOptions;
  readonly #place: DatumPlace;
  readonly #disk: DiskGuard;
  readonly #command: DatumCommand;
  #running: { readonly cut: AbortController; readonly over: Promise<void> } | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: DatumRunnerOptions) {
    this.#options = options;
    this.#place = new DatumPlace(options);
    this.#disk = new DiskGuard({
      ...options,
      output: {
        directories: [this.#place.outputPath, this.#place.out.path],
        maxBytes: options.worker.limits.diskBytes,
      },
    });
    this.#command = new DatumCommand({ ...options, place: this.#place, disk: this.#disk });
  }

  /** Whether a container is kept for the next datum. */
  get isWarm(): boolean {
    return this.#place.worker !== undefined;
  }

  /** Id of the container; undefined where there is none. */
  get workerId(): string | undefined {
    return this.#place.worker?.id;
  }

  /**
   * Processes one datum, with as many attempts as the task allows; each after the first gets a fresh container. What is
   * the datum's own fault is an outcome. Rejects with `cancelled` when the signal aborts, and with any other error when
   * executor, store or machine failed: the datum is then as if it had never run. Waits for the end of a stop.
   */
  async run(task: DatumTask, options: DatumRunOptions = {}): Promise<DatumOutcome> {
    while (this.#stopping) {
      await this.#stopping;
    }
    if (this.#running) {
      throw new EngineError('internal', `Cannot run datum "${task.datum}": the runner is busy`);
    }
    const { controller: cut, unlink } = linkAbort(options.signal);
    let over = () => {};
    this.#running = { cut, over: new Promise((resolve) => (over = resolve)) };
    try {
      return await this.#run(task, { ...options, cut });
    } finally {
      unlink();
      this.#running = undefined;
      over();
    }
  }

  /**
   * Ends the container, and frees the cached files that its inputs linked to. A datum that is being processed rejects
   * with `cancelled` first. The runner can be used again. Who asks meanwhile waits for the same end.
   */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined;
    });
    await this.#stopping;
  }

  /** Ends a command that waits for more datums; where that can't be done, its container. */
  async settle(): Promise<void> {
    try {
      await this.#place.worker?.settle?.();
    } catch {
      await this.#place.discardWorker();
    }
  }

  /** Ends the container and removes the directories. */
  async close(): Promise<void> {
    await this.stop();
    await this.#place.remove();
  }

  async #stop(): Promise<void> {
    this.#running?.cut.abort();
    await this.#running?.over;
    this.#disk.rest();
    await this.#place.rest();
  }

  async #run(
    task: DatumTask,
    options: DatumRunOptions & { cut: AbortController },
  ): Promise<DatumOutcome> {
    const started = this.#options.clock.now();
    const stats = noStats();
    // A datum under way keeps what it began with.
    await this.#place.renew();
    for (let tries = 1; ; tries++) {
      const attempt = await this.#attempt(task, { ...options, stats });
      const { reason, output, exitCode, lastLines } = attempt;
      const { seen } = this.#place.secrets;
      const end = { output, exitCode, reason, lastLines, tries, stats, started, ...seen };
      if (reason === '') {
        return { ...end, state: 'success' };
      }
      const say = (what: string) =>
        options.onLog?.(
          Buffer.from(`pfs: attempt ${tries} of ${task.tries} failed: ${reason}; ${what}\n`),
        );
      if (!attempt.isFinal && (await this.#recover(task, { ...options, stats }))) {
        await say('err_cmd ended well, so that the datum is recovered');
        return { ...end, state: 'recovered' };
      }
      // What filled the disk during err_cmd does so again, and all that follows would find its signal aborted.
      const refusal = refusalBy(options.cut.signal);
      if (refusal) {
        return { ...end, state: 'failed', reason: refusal.reason };
      }
      if (attempt.isFinal || tries >= task.tries) {
        return { ...end, state: 'failed' };
      }
      await say('trying again');
      await this.#place.discardWorker();
    }
  }

  /** Runs what the spec has for a failed attempt, on the same inputs; returns whether it ended well. */
  async #recover(task: DatumTask, options: RunOptions): Promise<boolean> {
    const { recovery, stdin: _, takesDatums: __, ...rest } = task;
    if (recovery === undefined) {
      return false;
    }
    try {
      const command = { ...rest, ...recovery };
      const result = await this.#command.run(command, { ...options, tail: new LineTail() });
      if (result.kind === 'lost') {
        await this.#place.discardWorker();
      }
      return result.kind === 'exited' && result.code === 0;
    } finally {
      await this.#place.empty();
    }
  }

  async #attempt(task: DatumTask, options: RunOptions): Promise<Attempt> {
    const { stats } = options;
    const { clock } = this.#options;
    const failed = (reason: string, more: Partial<Attempt> = {}): Attempt => {
      return { reason, isFinal: false, exitCode: null, lastLines: [], output: null, ...more };
    };
    const refusal = await timed(() => this.#showInputs(task, options), {
      clock,
      stats,
      key: 'downloadMs',
    });
    if (refusal !== undefined) {
      return failed(refusal, { isFinal: true });
    }
    try {
      const tail = new LineTail();
      const result = await this.#command.run(task, { ...options, tail });
      const lastLines = tail.end();
      if (result.kind === 'refused') {
        return failed(result.reason, { isFinal: true, lastLines });
      }
      const exitCode = exitCodeOf(result);
      if (result.kind === 'lost') {
        await this.#place.discardWorker();
      }
      const { limits } = this.#options.worker;
      const reason = failureReason(result, { ...task, limits, lastLines });
      if (reason !== undefined) {
        return failed(reason, { exitCode, lastLines });
      }
      const collect = () =>
        task.withWriter((writer) =>
          this.#place.collect(writer, {
            signal: options.cut.signal,
            fromBucket: task.buckets?.isOutput === true,
          }),
        );
      const collected = await timed(collect, { clock, stats, key: 'uploadMs' });
      if (typeof collected === 'string') {
        return failed(collected, { exitCode, lastLines });
      }
      stats.uploadBytes += collected.bytes;
      return { reason: '', isFinal: true, exitCode, lastLines, output: collected.tree };
    } finally {
      await this.#place.empty();
    }
  }

  /** Puts the inputs in place; returns the reason where this datum's can't be. */
  async #showInputs(task: DatumTask, options: RunOptions): Promise<string | undefined> {
    try {
      const { contents, entries } = task;
      const shown = await this.#place.show(entries, { contents, signal: options.cut.signal });
      options.stats.downloadBytes += shown.bytes;
      return undefined;
    } catch (error) {
      if (isEngineError(error, 'invalid') || isEngineError(error, 'resource_exhausted')) {
        return error.message;
      }
      throw error;
    }
  }
}
