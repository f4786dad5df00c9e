// What the scheduler should do next: a comparison of what is with what should be. Pure, and asked again after every
// change, so that a restart needs nothing remembered.

/** A source of a job's output commit, as far as the job can tell. */
export interface SourceView {
  /** As users write it, for messages. */
  readonly name: string;
  readonly state: 'open' | 'good' | 'failed';
  /** Of one that was unrunnable itself: what had failed upstream of it. */
  readonly because?: readonly string[];
}

export interface JobView {
  /** `project/pipeline@id`. */
  readonly key: string;
  /** `project/pipeline`. */
  readonly pipeline: string;
  readonly id: string;
  /** How many commits stand before its own on the output branch. */
  readonly depth: number;
  /** Who claims it; null for nobody. */
  readonly owner: string | null;
  /** Whether its pipeline is stopped. */
  readonly isStopped: boolean;
  readonly sources: readonly SourceView[];
}

export interface PlanView {
  /** This engine, as owners are named. */
  readonly self: string;
  /** Jobs this engine is working on now. */
  readonly running: ReadonlySet<string>;
  /** All unfinished jobs. */
  readonly jobs: readonly JobView[];
  /** Returns whether the engine of that name may still be at work. */
  isAlive(owner: string): boolean;
}

export type Action =
  /** Claim the job and run it. */
  | { readonly kind: 'run'; readonly job: string }
  /** End the job: something it reads from has failed. */
  | { readonly kind: 'give_up'; readonly job: string; readonly reason: string }
  /** End the job: its pipeline was stopped, and what did that may have died before it ended the job. */
  | { readonly kind: 'kill'; readonly job: string }
  /** Stop working on a job that has ended or belongs to another engine now. */
  | { readonly kind: 'abandon'; readonly job: string };

/**
 * Returns what to do. The jobs of a pipeline run one after the other, in the order of their commits, each once everything
 * it reads has finished.
 */
export function plan(view: PlanView): Action[] {
  const actions: Action[] = [];
  const unfinished = new Map(view.jobs.map((job) => [job.key, job]));
  for (const key of view.running) {
    const job = unfinished.get(key);
    const isLost = job === undefined || (job.owner !== null && job.owner !== view.self);
    if (isLost || job.isStopped) {
      actions.push({ kind: 'abandon', job: key });
    }
  }
  const busy = new Set([...view.running].map(pipelineOf));
  for (const job of firstOfEach(view.jobs)) {
    // Also while a job that ended is still being let go: both would want the same workers.
    const action = busy.has(job.pipeline) ? undefined : nextStep(job, view);
    if (action) {
      actions.push(action);
    }
  }
  return actions;
}

function nextStep(job: JobView, view: PlanView): Action | undefined {
  if (job.isStopped) {
    return { kind: 'kill', job: job.key };
  }
  const failed = job.sources.filter((source) => source.state === 'failed');
  if (failed.length > 0) {
    const names = failed.map(failedName).join(', ');
    const reason = `unrunnable because what it reads from failed: ${names}`;
    return { kind: 'give_up', job: job.key, reason };
  }
  if (job.sources.some((source) => source.state === 'open')) {
    return undefined;
  }
  const isTaken = job.owner !== null && job.owner !== view.self && view.isAlive(job.owner);
  return isTaken ? undefined : { kind: 'run', job: job.key };
}

function failedName({ name, because = [] }: SourceView): string {
  return because.length === 0 ? name : `${name} (because ${because.join(', ')} failed)`;
}

function firstOfEach(jobs: readonly JobView[]): Iterable<JobView> {
  const first = new Map<string, JobView>();
  for (const job of jobs) {
    const known = first.get(job.pipeline);
    if (known === undefined || comesBefore(job, known)) {
      first.set(job.pipeline, job);
    }
  }
  return first.values();
}

/** Ids don't tell: a commit that stood open for a while causes others under the id it was given when it was started. */
function comesBefore(job: JobView, other: JobView): boolean {
  return job.depth === other.depth ? job.id < other.id : job.depth < other.depth;
}

function pipelineOf(job: string): string {
  return job.slice(0, job.lastIndexOf('@'));
}
