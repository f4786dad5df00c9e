// One place where datums are processed, one at a time: a warm container and the directories that it sees. It tells what
// is the user's failure, which counts as a try, from what is ours, which rejects.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { Executor, RunResult, Worker, WorkerSpec } from '../executor/executor.ts';
import type { JobStats } from '../journal/records.ts';
import type { Attempt } from './attempt.ts';
import { failureReason } from './attempt-reason.ts';
import type { DatumOutcome, DatumRunOptions, DatumTask, MountEntry } from './datum-task.ts';
import { DiskGuard } from './disk-guard.ts';
import type { FileCache } from './file-cache.ts';
import { InputDirectory } from './inputs.ts';
import { LazyPipes } from './lazy-pipes.ts';
import { LineTail } from './line-tail.ts';
import { OutputDirectory } from './output-directory.ts';
import type { Collected } from './outputs.ts';
import { removeWorkerDirectory } from './worker-directory.ts';
import { type SecretSource, ShownSecrets } from './worker-secrets.ts';

export interface DatumRunnerOptions {
  readonly executor: Executor;
  readonly cache: FileCache;
  readonly clock: Clock;
  /** Of this runner alone; on the same disk as the cache, or every input is a copy. */
  readonly directory: string;
  /** What must stay free on that disk while user code writes to it. */
  readonly minFreeBytes: number;
  readonly worker: Omit<WorkerSpec, 'inputDirectory' | 'outputDirectory' | 'secrets'>;
  /** What the commands may see of secrets; a container that was given older ones is replaced between datums. */
  readonly secrets?: SecretSource | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Processes datums of one pipeline, one after the other. */
export class DatumRunner {
  readonly #options: DatumRunnerOptions;
  readonly #inputs: InputDirectory;
  readonly #inputPath: string;
  readonly #output: OutputDirectory;
  readonly #disk: DiskGuard;
  #worker: Worker | undefined;
  readonly #secrets: ShownSecrets;
  /** How many commands the worker was given. */
  #uses = 0;
  #running: { readonly cut: AbortController; readonly over: Promise<void> } | undefined;

  constructor(options: DatumRunnerOptions) {
    this.#options = options;
    const { cache, directory } = options;
    this.#inputPath = join(directory, 'pfs');
    this.#inputs = new InputDirectory(this.#inputPath, { cache, isReadOnly: true });
    this.#output = new OutputDirectory(join(directory, 'out'));
    this.#disk = new DiskGuard(options);
    this.#secrets = new ShownSecrets(options.secrets);
  }

  /** Whether a container is kept for the next datum. */
  get isWarm(): boolean {
    return this.#worker !== undefined;
  }

  /** Id of the container; undefined where there is none. */
  get workerId(): string | undefined {
    return this.#worker?.id;
  }

  /**
   * Processes one datum, with as many attempts as the task allows; each after the first gets a fresh container. What is
   * the datum's own fault is an outcome. Rejects with `cancelled` when the signal aborts, and with any other error when
   * executor, store or machine failed: the datum is then as if it had never run.
   */
  async run(task: DatumTask, options: DatumRunOptions = {}): Promise<DatumOutcome> {
    if (this.#running) {
      throw new EngineError('internal', `Cannot run datum "${task.datum}": the runner is busy`);
    }
    const cut = new AbortController();
    let over = () => {};
    this.#running = { cut, over: new Promise((resolve) => (over = resolve)) };
    const signal = options.signal ? AbortSignal.any([options.signal, cut.signal]) : cut.signal;
    try {
      return await this.#run(task, { ...options, signal });
    } finally {
      this.#running = undefined;
      over();
    }
  }

  /**
   * Ends the container, and frees the cached files that its inputs linked to. A datum that is being processed rejects
   * with `cancelled` first. The runner can be used again.
   */
  async stop(): Promise<void> {
    this.#running?.cut.abort();
    await this.#running?.over;
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.stop();
    if (worker) {
      await this.#inputs.clear();
    }
  }

  /** Ends the container and removes the directories. */
  async close(): Promise<void> {
    await this.stop();
    await removeWorkerDirectory(this.#options.directory, this.#options.executor);
  }

  async #run(task: DatumTask, options: DatumRunOptions): Promise<DatumOutcome> {
    const started = this.#options.clock.now();
    const stats: Mutable<JobStats> = {
      downloadBytes: 0,
      uploadBytes: 0,
      downloadMs: 0,
      processMs: 0,
      uploadMs: 0,
    };
    // A datum under way keeps what it began with.
    await (this.#worker && this.#secrets.areOutdated ? this.#discardWorker() : undefined);
    for (let tries = 1; ; tries++) {
      const attempt = await this.#attempt(task, { ...options, stats });
      const { reason, output, exitCode, lastLines } = attempt;
      const end = {
        output,
        exitCode,
        reason,
        lastLines,
        tries,
        stats,
        started,
        ...this.#secrets.seen,
      };
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
      if (attempt.isFinal || tries >= task.tries) {
        return { ...end, state: 'failed' };
      }
      await say('trying again');
      await this.#discardWorker();
    }
  }

  /** Runs what the spec has for a failed attempt, on the same inputs; returns whether it ended well. */
  async #recover(
    task: DatumTask,
    options: DatumRunOptions & { stats: Mutable<JobStats> },
  ): Promise<boolean> {
    const { recovery, stdin: _, ...rest } = task;
    if (recovery === undefined) {
      return false;
    }
    try {
      const command = { ...rest, ...recovery };
      const result = await this.#runCommand(command, { ...options, tail: new LineTail() });
      if (result.kind === 'lost') {
        await this.#discardWorker();
      }
      return result.kind === 'exited' && result.code === 0;
    } finally {
      await this.#emptyOutput();
    }
  }

  async #attempt(
    task: DatumTask,
    options: DatumRunOptions & { stats: Mutable<JobStats> },
  ): Promise<Attempt> {
    const { stats } = options;
    const failed = (reason: string, more: Partial<Attempt> = {}): Attempt => {
      return { reason, isFinal: false, exitCode: null, lastLines: [], output: null, ...more };
    };
    this.#makeDirectories();
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
      const exitCode = result.kind === 'exited' ? result.code : null;
      if (result.kind === 'lost') {
        await this.#discardWorker();
      }
      const { limits } = this.#options.worker;
      const reason = failureReason(result, { ...task, limits, lastLines });
      if (reason !== undefined) {
        return failed(reason, { exitCode, lastLines });
      }
      const collected = await this.#timed(stats, 'uploadMs', () => this.#collect(task, options));
      if (typeof collected === 'string') {
        return failed(collected, { exitCode, lastLines });
      }
      stats.uploadBytes += collected.bytes;
      return { reason: '', isFinal: true, exitCode, lastLines, output: collected.tree };
    } finally {
      await this.#emptyOutput();
    }
  }

  /** Puts the inputs in place; returns the reason where this datum's can't be. */
  async #showInputs(
    task: DatumTask,
    options: DatumRunOptions & { stats: Mutable<JobStats> },
  ): Promise<string | undefined> {
    try {
      const entries = await this.#showable(task.entries, options.signal);
      const shown = await this.#inputs.show(entries, { ...options, contents: task.contents });
      options.stats.downloadBytes += shown.bytes;
      return undefined;
    } catch (error) {
      if (isEngineError(error, 'invalid') || isEngineError(error, 'resource_exhausted')) {
        return error.message;
      }
      throw error;
    }
  }

  /** Pipes can't be shown to a container that gets a copy of its inputs: then all files are there from the start. */
  async #showable(
    entries: readonly MountEntry[],
    signal: AbortSignal | undefined,
  ): Promise<readonly MountEntry[]> {
    const isLazy = entries.some(({ lazy }) => lazy === true);
    if (!isLazy || (await this.#readyWorker(signal)).sharesInputs) {
      return entries;
    }
    return entries.map((entry) => ({ ...entry, lazy: false }));
  }

  /** Runs a command while its lazy files are fed; what they gave counts as downloaded. */
  async #feeding<T>(
    task: DatumTask,
    options: { readonly signal: AbortSignal; readonly stats: Mutable<JobStats> },
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { contents } = task;
    const isLazy = task.entries.some(({ lazy }) => lazy === true);
    const pipes = new LazyPipes(isLazy ? await this.#inputs.lazy(contents) : [], {
      contents,
      clock: this.#options.clock,
      spareDirectory: join(this.#options.directory, 'pipes'),
    });
    try {
      return await pipes.feed((failed) => run(AbortSignal.any([options.signal, failed])));
    } finally {
      options.stats.downloadBytes += pipes.bytes;
    }
  }

  async #runCommand(
    task: DatumTask,
    options: DatumRunOptions & { stats: Mutable<JobStats>; tail: LineTail },
  ): Promise<RunResult | { readonly kind: 'refused'; readonly reason: string }> {
    const { signal, onLog, tail, stats } = options;
    const { command, stdin, environment: env, workingDirectory, timeoutMs } = task;
    const spec = {
      command,
      ...(stdin === undefined ? {} : { stdin }),
      ...(workingDirectory === undefined ? {} : { workingDirectory }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      onOutput: (chunk: Buffer) => {
        tail.push(chunk);
        return onLog?.(chunk);
      },
    };
    for (;;) {
      const worker = await this.#readyWorker(signal);
      const isFresh = this.#uses === 0;
      this.#uses += 1;
      try {
        return await this.#timed(stats, 'processMs', () =>
          this.#disk.watch(signal, (either) =>
            this.#feeding(task, { signal: either, stats }, (all) =>
              worker.run({ ...spec, env: { ...env, ...this.#secrets.environment }, signal: all }),
            ),
          ),
        );
      } catch (error) {
        if (isEngineError(error, 'resource_exhausted')) {
          return { kind: 'refused', reason: error.message };
        }
        await this.#discardOn(error);
        // A container that stood idle may have been removed meanwhile, by people or a restart of Docker.
        if (isFresh || !isEngineError(error, 'unavailable')) {
          throw error;
        }
      }
    }
  }

  async #discardOn(error: unknown): Promise<void> {
    if (!isEngineError(error, 'cancelled')) {
      await this.#discardWorker();
    }
  }

  /** Returns a worker whose output directory is empty. */
  async #readyWorker(signal: AbortSignal | undefined): Promise<Worker> {
    for (;;) {
      this.#worker ??= await this.#startWorker(signal);
      if (await this.#output.empty(this.#worker)) {
        return this.#worker;
      }
      const id = this.#worker.id.slice(0, 12);
      await this.#discardWorker();
      this.#output.replace(id);
    }
  }

  async #startWorker(signal: AbortSignal | undefined): Promise<Worker> {
    this.#uses = 0;
    return this.#options.executor.startWorker(
      {
        ...this.#options.worker,
        ...this.#secrets.open(),
        inputDirectory: this.#inputPath,
        outputDirectory: this.#output.path,
      },
      signal ? { signal } : {},
    );
  }

  async #discardWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.stop();
  }

  /** Stores the output; returns the reason where user code wrote what can't be stored. */
  async #collect(task: DatumTask, options: DatumRunOptions): Promise<Collected | string> {
    const worker = this.#worker;
    if (!worker) {
      throw new EngineError('internal', 'Cannot store the output: the worker is gone');
    }
    const inputs = this.#inputs.shown;
    const { signal } = options;
    try {
      return await task.withWriter((writer) =>
        this.#output.collect(worker, { writer, inputs, ...(signal ? { signal } : {}) }),
      );
    } catch (error) {
      if (isEngineError(error, 'invalid')) {
        return error.message;
      }
      throw error;
    }
  }

  /** Frees the room of what was written. What can't be removed now is removed before the next command. */
  async #emptyOutput(): Promise<void> {
    const worker = this.#worker;
    try {
      await this.#output.empty(worker);
    } catch (error) {
      if (!isEngineError(error, 'unavailable')) {
        throw error;
      }
      await this.#discardWorker();
    }
  }

  #makeDirectories(): void {
    mkdirSync(this.#inputPath, { recursive: true, mode: 0o755 });
    // Others on this machine see nothing of it; the container does, through its mounts.
    chmodSync(this.#options.directory, 0o700);
    this.#output.make();
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
