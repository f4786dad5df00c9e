// One place where datums are processed, one at a time: a warm container and the directories that it sees. It tells what
// is the user's failure, which counts as a try, from what is ours, which rejects.

import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import { linkAbort } from '../base/linked-abort.ts';
import type { RunResult } from '../executor/executor.ts';
import type { JobStats } from '../journal/records.ts';
import type { Attempt } from './attempt.ts';
import { exitCodeOf, FOREIGN_FAULT, failureReason, isForeignFault } from './attempt-reason.ts';
import { type BucketDoor, openBuckets } from './datum-buckets.ts';
import { DatumPlace, type DatumPlaceOptions } from './datum-place.ts';
import type { DatumOutcome, DatumRunOptions, DatumTask, MountEntry } from './datum-task.ts';
import { DiskGuard } from './disk-guard.ts';
import { LazyPipes } from './lazy-pipes.ts';
import { LineTail } from './line-tail.ts';

export interface DatumRunnerOptions extends DatumPlaceOptions {
  readonly clock: Clock;
  /** Serves what commands read and write through S3; without it such datums are refused. */
  readonly buckets: BucketDoor | undefined;
  /** What must stay free on the disk of its directory while user code writes to it. */
  readonly minFreeBytes: number;
}

/** Why a command was ended by us, as its datum's own fault. */
interface Refusal {
  readonly kind: 'refused';
  readonly reason: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

type RunOptions = Pick<DatumRunOptions, 'onLog'> & {
  readonly stats: Mutable<JobStats>;
  /** Aborts when the datum is to end. */
  readonly cut: AbortController;
};

/** Processes datums of one pipeline, one after the other. */
export class DatumRunner {
  readonly #options: DatumRunnerOptions;
  readonly #place: DatumPlace;
  readonly #disk: DiskGuard;
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
    const stats: Mutable<JobStats> = {
      downloadBytes: 0,
      uploadBytes: 0,
      downloadMs: 0,
      processMs: 0,
      uploadMs: 0,
    };
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
      const result = await this.#runCommand(command, { ...options, tail: new LineTail() });
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
    const failed = (reason: string, more: Partial<Attempt> = {}): Attempt => {
      return { reason, isFinal: false, exitCode: null, lastLines: [], output: null, ...more };
    };
    const refusal = await this.#timed(stats, 'downloadMs', () => this.#showInputs(task, options));
    if (refusal !== undefined) {
      return failed(refusal, { isFinal: true });
    }
    try {
      const tail = new LineTail();
      const result = await this.#runCommand(task, { ...options, tail });
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
      const collected = await this.#timed(stats, 'uploadMs', () =>
        task.withWriter((writer) =>
          this.#place.collect(writer, {
            signal: options.cut.signal,
            fromBucket: task.buckets?.isOutput === true,
          }),
        ),
      );
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

  /** Runs a command while its lazy files are fed; what they gave counts as downloaded. */
  async #feeding<T>(
    task: DatumTask,
    options: RunOptions,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal } = options.cut;
    if (!isLazy(task.entries)) {
      return await run(signal);
    }
    const { contents } = task;
    const pipes = new LazyPipes(await this.#place.lazy(contents), {
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

  async #runCommand(
    task: DatumTask,
    options: RunOptions & { tail: LineTail },
  ): Promise<RunResult | Refusal> {
    const { cut, onLog, tail, stats } = options;
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
        const result = await this.#place.use(cut.signal, async (worker, { isFresh }) => {
          wasFresh = isFresh;
          return await this.#withBuckets(task, (own) => {
            const all = { ...env, ...this.#place.secrets.environment, ...own };
            return this.#timed(stats, 'processMs', () =>
              this.#disk.watch(cut, () =>
                this.#feeding(task, options, (signal) => worker.run({ ...spec, env: all, signal })),
              ),
            );
          });
        });
        const refusal = refusalBy(cut.signal);
        if (refusal || wasFresh || !isForeignFault(result, task)) {
          return refusal ?? result;
        }
        await onLog?.(Buffer.from(FOREIGN_FAULT));
        await this.#place.discardWorker();
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

  /** Runs a command while its buckets are open. */
  async #withBuckets<T>(
    { buckets }: DatumTask,
    run: (environment: Readonly<Record<string, string>>) => Promise<T>,
  ): Promise<T> {
    if (!buckets) {
      return await run({});
    }
    const { out } = this.#place;
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
      await this.#place.discardWorker();
    }
  }

  async #timed<T>(
    stats: Mutable<JobStats>,
    key: 'downloadMs' | 'processMs' | 'uploadMs',
    work: () => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    const start = clock.monotonic();
    try {
      return await work();
    } finally {
      stats[key] += clock.monotonic() - start;
    }
  }
}

function isLazy(entries: readonly MountEntry[]): boolean {
  return entries.some(({ lazy }) => lazy === true);
}

function refusalBy(signal: AbortSignal): Refusal | undefined {
  const { reason } = signal;
  return isEngineError(reason, 'resource_exhausted')
    ? { kind: 'refused', reason: reason.message }
    : undefined;
}
