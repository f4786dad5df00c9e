// The loop that keeps jobs going: after every change it asks the planner what to do, and does it. It remembers only
// what is running here and now.

import type { Clock } from '../base/clock.ts';
import { errorText, isEngineError } from '../base/errors.ts';
import { commitKey, type JobRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { PipelineState } from '../journal/states.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type Action, type JobView, plan } from '../pipeline/plan.ts';
import { endJob, type JobEnd } from './job-end.ts';
import type { JobRunner } from './job-runner.ts';
import { sourceViews } from './job-sources.ts';
import { makerProblem } from './pipeline-maker.ts';
import { STOPPED_REASON } from './stop-job.ts';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;

export interface SchedulerOptions {
  readonly context: PfsContext;
  readonly clock: Clock;
  readonly runner: JobRunner;
  /** This engine, as owners are named. */
  readonly self: string;
  readonly isAlive: (owner: string) => boolean;
  readonly onProblem: (error: unknown) => void;
}

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Runs the jobs of a store that this engine should run. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #running = new Map<string, Running>();
  readonly #closing = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Jobs at work now, those that wait to be tried again included. */
  get running(): number {
    return this.#running.size;
  }

  start(): void {
    this.#loop ??= this.#follow();
  }

  /** Asks the planner again although nothing was journaled: an engine died, an image may have come. */
  poke(): void {
    if (!this.#closing.signal.aborted) {
      this.#plan();
    }
  }

  /** Lets go of all jobs: they go on where they were when an engine runs again. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
    const running = [...this.#running.values()];
    for (const { stop } of running) {
      stop.abort();
    }
    await Promise.all(running.map(({ done }) => done));
  }

  async #follow(): Promise<void> {
    const { context, onProblem } = this.#options;
    try {
      for await (const _ of context.journal.changes(this.#closing.signal)) {
        this.#plan();
      }
    } catch (error) {
      onProblem(error);
    }
  }

  #plan(): void {
    const { context, self, isAlive } = this.#options;
    const { state } = context.journal;
    const actions = plan({
      self,
      isAlive,
      running: new Set(this.#running.keys()),
      jobs: unfinishedJobs(state),
    });
    for (const action of actions) {
      this.#perform(action, state);
    }
  }

  #perform(action: Action, state: State): void {
    if (action.kind === 'abandon') {
      this.#running.get(action.job)?.stop.abort();
      return;
    }
    const job = state.jobs.get(action.job);
    if (job === undefined) {
      return;
    }
    const stop = new AbortController();
    const steps = {
      run: () => this.#run(job, stop.signal),
      give_up: () =>
        this.#end(job, { state: 'unrunnable', reason: 'reason' in action ? action.reason : '' }),
      kill: () => this.#end(job, { state: 'killed', reason: STOPPED_REASON }),
    };
    const work = this.#attempt(job, { signal: stop.signal, once: steps[action.kind] });
    const done = work.catch(this.#options.onProblem).finally(() => {
      this.#running.delete(action.job);
      this.poke();
    });
    this.#running.set(action.job, { stop, done });
  }

  async #end(job: JobRecord, end: JobEnd): Promise<void> {
    const { context } = this.#options;
    await endJob(context, { pipeline: job.pipeline, job: job.id, end }, 'engine');
  }

  async #run(job: JobRecord, signal: AbortSignal): Promise<void> {
    const { state } = this.#options.context.journal;
    const pipeline = state.pipelines.get(job.pipeline);
    const problem = pipeline && makerProblem(state, pipeline);
    if (problem !== undefined) {
      await this.#setState(job, 'failure', problem);
      await this.#end(job, { state: 'failure', reason: problem });
      return;
    }
    const isWell = () => this.#setState(job, 'running', '');
    await this.#options.runner.run(job, signal, isWell);
    await isWell();
  }

  /** Tries again, ever more slowly, until it succeeds or is no longer this engine's to do. */
  async #attempt(
    job: JobRecord,
    work: { readonly signal: AbortSignal; readonly once: () => Promise<void> },
  ): Promise<void> {
    const { clock, onProblem } = this.#options;
    const { signal, once } = work;
    for (let delay = FIRST_RETRY_MS; !signal.aborted; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
      try {
        await once();
        return;
      } catch (error) {
        if (
          signal.aborted ||
          isEngineError(error, 'cancelled') ||
          isEngineError(error, 'conflict')
        ) {
          return;
        }
        onProblem(error);
        await this.#setState(job, 'crashing', errorText(error)).catch(onProblem);
      }
      await clock.sleep(delay, { signal }).catch(() => undefined);
    }
  }

  /** Shows how the pipeline of a job is, where that is news. */
  async #setState(job: JobRecord, next: PipelineState, reason: string): Promise<void> {
    const { context } = this.#options;
    const { pipeline } = job;
    await context.journal.transact(
      (state) => {
        const now = state.pipelines.get(pipeline);
        const isNews =
          now !== undefined &&
          now.id === job.pipelineId &&
          !now.stopped &&
          (now.state !== next || now.reason !== reason);
        return {
          operations: isNews
            ? [{ kind: 'pipeline.state' as const, pipeline, state: next, reason }]
            : [],
          result: null,
        };
      },
      { actor: 'engine' },
    );
  }
}

function unfinishedJobs(state: State): JobView[] {
  return [...state.jobs.keysBy('active', 'active')].flatMap((key) => {
    const job = state.jobs.get(key);
    const output = job && state.commits.get(commitKey(job.pipeline, job.id));
    const pipeline = job && state.pipelines.get(job.pipeline);
    // Services go through their jobs in a way of their own.
    if (job === undefined || pipeline === undefined || pipeline.spec.service) {
      return [];
    }
    const { stopped: isStopped } = pipeline;
    const sources = sourceViews(state, output);
    const depth = output?.depth ?? 0;
    const { id, owner } = job;
    return [{ key, pipeline: job.pipeline, id, depth, owner, isStopped, sources }];
  });
}
