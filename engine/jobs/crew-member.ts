// One worker of a crew: what it does now, and beginning again with that.

import type { Clock } from '../base/clock.ts';
import type { DatumRunner } from './datum-runner.ts';
import type { DatumOutcome, DatumRunOptions, DatumTask } from './datum-task.ts';

/** What a worker does now. */
export interface WorkerActivity {
  /** `project/pipeline@id`. */
  readonly job: string;
  readonly datum: string;
  /** What the datum reads: paths within repos, each with a leading slash. */
  readonly paths: readonly string[];
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
}

/** One worker of a crew. */
export class CrewMember {
  readonly name: string;
  readonly runner: DatumRunner;
  readonly #clock: Clock;
  #activity: WorkerActivity | undefined;
  #attempt: AbortController | undefined;

  constructor(name: string, options: { readonly runner: DatumRunner; readonly clock: Clock }) {
    this.name = name;
    this.runner = options.runner;
    this.#clock = options.clock;
  }

  /** Undefined while it is idle. */
  get activity(): WorkerActivity | undefined {
    return this.#activity;
  }

  /** Kills what it is at and begins with the same datum again, in a new container, as if it had not begun. */
  restart(): void {
    this.#attempt?.abort();
  }

  /** As {@link DatumRunner.run}, for a job. */
  async run(
    task: DatumTask,
    options: DatumRunOptions & { readonly job: string },
  ): Promise<DatumOutcome> {
    const { job, signal, onLog } = options;
    const paths = task.entries.map(({ path }) => path);
    try {
      for (;;) {
        const attempt = new AbortController();
        this.#attempt = attempt;
        this.#activity = { job, datum: task.datum, paths, since: this.#clock.now() };
        const either = signal ? AbortSignal.any([signal, attempt.signal]) : attempt.signal;
        try {
          return await this.runner.run(task, { ...options, signal: either });
        } catch (error) {
          if (!attempt.signal.aborted || signal?.aborted) {
            throw error;
          }
        }
        await this.runner.stop();
        await onLog?.(Buffer.from('pfs: a user had the datum restarted\n'));
      }
    } finally {
      this.#activity = undefined;
      this.#attempt = undefined;
    }
  }
}
