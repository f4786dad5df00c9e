// One worker of a crew: what it does now, beginning again with that, and the room on the machine that it has for it.

import type { Clock } from '../base/clock.ts';
import { linkAbort } from '../base/linked-abort.ts';
import type { Admission, Demand, Place } from './admission.ts';
import type { DatumRunner } from './datum-runner.ts';
import type { DatumOutcome, DatumRunOptions, DatumTask } from './datum-task.ts';
import type { Lease } from './lease.ts';

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

interface CrewMemberOptions {
  readonly runner: DatumRunner;
  readonly clock: Clock;
  readonly admission: Admission;
  readonly demand: Demand;
}

/** One worker of a crew. */
export class CrewMember {
  readonly name: string;
  readonly runner: DatumRunner;
  readonly #options: CrewMemberOptions;
  #activity: WorkerActivity | undefined;
  #attempt: AbortController | undefined;
  #lease: Lease | undefined;
  #place: Place | undefined;

  constructor(name: string, options: CrewMemberOptions) {
    this.name = name;
    this.runner = options.runner;
    this.#options = options;
  }

  /** Its place in the queue for room on the machine; undefined while it needs none or has it. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** Undefined while it is idle. */
  get activity(): WorkerActivity | undefined {
    return this.#activity;
  }

  /** Kills what it is at and begins with the same datum again, in a new container, as if it had not begun. */
  restart(): void {
    this.#attempt?.abort();
  }

  /**
   * Resolves when it may take the next datum, which is at once unless others wait for the room that it has. Rejects as
   * {@link Admission.enter} does.
   */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#lease?.mayStay) {
      return;
    }
    await this.rest();
    const { admission, demand } = this.#options;
    const onWait = (place: Place | undefined) => {
      this.#place = place;
    };
    this.#lease = await admission.enter({ ...demand, onWait }, signal);
  }

  /**
   * Gives its room on the machine to others, with nothing of the user's at work any more: it has nothing to do for now. Rejects
   * where that can't be ended; the room is given all the same.
   */
  async rest(): Promise<void> {
    try {
      await this.runner.settle();
    } finally {
      this.#lease?.release();
      this.#lease = undefined;
    }
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
        const { controller: attempt, unlink } = linkAbort(signal);
        this.#attempt = attempt;
        this.#activity = { job, datum: task.datum, paths, since: this.#options.clock.now() };
        try {
          return await this.runner.run(task, { ...options, signal: attempt.signal });
        } catch (error) {
          if (!attempt.signal.aborted || signal?.aborted) {
            throw error;
          }
        } finally {
          unlink();
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
