// Running one job from claim to finished commit.

import { pipelineActor } from '../auth/asker.ts';
import { parseDuration } from '../base/duration.ts';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type { Span } from '../base/tracer.ts';
import { compose } from '../journal/compose.ts';
import { type JobRecord, jobKey, metaRepo } from '../journal/records.ts';
import { getCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { isMoved, untilSettled } from '../pfs/settled.ts';
import type { WriteSession } from '../pfs/write-session.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import type { CrewMember } from './crew-member.ts';
import { resultInputs } from './datum-list.ts';
import { DatumQueue } from './datum-queue.ts';
import type { DatumResult } from './datum-result.ts';
import { taskMaker } from './datum-tasks.ts';
import { beginLine, endLine } from './debug-lines.ts';
import type { Egress } from './egress.ts';
import { findBase, type JobBase } from './job-base.ts';
import { commitEnd, type JobEnd, packsOf, prepareEnd } from './job-end.ts';
import { type JobInputs, loadJobInputs } from './job-inputs.ts';
import { JobOutputs } from './job-outputs.ts';
import { JobProgress } from './job-progress.ts';
import { endJobSpan, spanOfDatum, spanOfJob } from './job-spans.ts';
import { JobTally } from './job-tally.ts';
import { datumsToRun } from './job-todo.ts';
import type { JobLogs } from './logs.ts';
import { findWriters } from './output-writers.ts';
import type { PinnedImage } from './pinned-images.ts';
import { pullLog } from './pull-log.ts';
import { LentSession, SessionWriter } from './session-writer.ts';
import type { WorkerPool } from './worker-pool.ts';

/** How many datums are found and prepared for each worker while all are busy. */
const AHEAD_OF_EACH = 2;

export interface JobRunnerOptions {
  readonly context: PfsContext;
  readonly pool: WorkerPool;
  readonly logs: JobLogs;
  readonly egress: Egress;
  /** This engine, as owners are named. */
  readonly owner: string;
}

/** Runs jobs. Each run may be cut off anywhere and started again, here or elsewhere. */
export class JobRunner {
  readonly #options: JobRunnerOptions;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /**
   * Claims a job and runs it to its end; calls `onWork` once its workers do what they should. Rejects when the end could not be reached, with the job still claimed: with
   * `cancelled` when the signal aborts, else because the image, the executor or the store failed, which may heal.
   */
  async run(
    job: JobRecord,
    signal: AbortSignal,
    onWork: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const { context, owner } = this.#options;
    const { pipeline, id } = job;
    const time = context.clock.now();
    const claimed = await context.journal.transact(
      (state) => {
        const now = state.jobs.get(jobKey(pipeline, id));
        if (now !== undefined && now.owner !== owner && now.owner !== job.owner) {
          throw new EngineError('conflict', 'Cannot claim the job: another engine was faster');
        }
        return now?.owner === owner
          ? { operations: [], result: now }
          : compose(state, (draft) => {
              draft.add({ kind: 'job.claimed', pipeline, job: id, owner, time, state: 'starting' });
              return draft.state.jobs.get(jobKey(pipeline, id)) ?? job;
            });
      },
      { actor: pipelineActor(pipeline) },
    );
    const session = new LentSession(context);
    await spanOfJob(context.tracer, claimed, async (span) => {
      const run = new JobRun({ ...this.#options, job: claimed, session, onWork, span });
      try {
        await run.toEnd(signal);
      } catch (error) {
        await run.keep();
        await session.discard();
        throw error;
      }
    });
  }
}

/** One attempt at one job. */
class JobRun {
  readonly #context: PfsContext;
  readonly #pool: WorkerPool;
  readonly #logs: JobLogs;
  readonly #egress: Egress;
  readonly #owner: string;
  readonly #job: JobRecord;
  readonly #session: LentSession;
  readonly #progress: JobProgress;
  readonly #onWork: () => Promise<void>;
  readonly #span: Span | undefined;
  readonly #outputs = new JobOutputs();
  readonly #tally: JobTally;

  constructor(
    options: JobRunnerOptions & {
      readonly job: JobRecord;
      readonly session: LentSession;
      readonly onWork: () => Promise<void>;
      readonly span: Span | undefined;
    },
  ) {
    this.#onWork = options.onWork;
    this.#span = options.span;
    this.#context = options.context;
    this.#pool = options.pool;
    this.#logs = options.logs;
    this.#egress = options.egress;
    this.#owner = options.owner;
    this.#job = options.job;
    this.#session = options.session;
    const outputs = this.#outputs;
    this.#progress = new JobProgress(options.context, { ...options, outputs });
    this.#tally = new JobTally({ progress: this.#progress, outputs });
  }

  async toEnd(signal: AbortSignal): Promise<void> {
    const inputs = await loadJobInputs(this.#context, this.#job);
    if (inputs.missing.length > 0) {
      const reason = `what it reads was deleted: ${inputs.missing.join(', ')}`;
      await this.#finish(inputs, { base: undefined, end: { state: 'failure', reason } });
      return;
    }
    const timeout = new AbortController();
    const limit = inputs.spec.job_timeout;
    const work = AbortSignal.any([signal, timeout.signal]);
    const timer = limit === undefined ? undefined : this.#expire(limit, timeout, work);
    try {
      await this.#process(inputs, work);
    } catch (error) {
      if (!timeout.signal.aborted || signal.aborted) {
        throw error;
      }
      const reason = `the job took longer than its job_timeout of ${limit}`;
      await this.#finish(inputs, { base: undefined, end: { state: 'killed', reason } });
    } finally {
      timeout.abort();
      await timer;
    }
  }

  /** Journals what was processed before the job was cut off, where it still can be: none of it runs again then. */
  async keep(): Promise<void> {
    if (this.#progress.canKeep) {
      await this.#progress.flush('running').catch(() => undefined);
    }
  }

  /** Aborts `timeout` when the job's time is up, counted from when it was first claimed. */
  async #expire(limit: string, timeout: AbortController, signal: AbortSignal): Promise<void> {
    const spent = this.#context.clock.now() - (this.#job.started ?? this.#context.clock.now());
    try {
      await this.#context.clock.sleep(Math.max(0, (parseDuration(limit) ?? 0) - spent), { signal });
      timeout.abort();
    } catch (error) {
      if (!isEngineError(error, 'cancelled')) {
        throw error;
      }
    }
  }

  async #process(inputs: JobInputs, signal: AbortSignal): Promise<void> {
    const base = await findBase(this.#context, this.#job, inputs);
    const stop = new AbortController();
    const flushing = this.#progress.flushUntil(AbortSignal.any([signal, stop.signal]));
    flushing.catch(() => stop.abort());
    try {
      const either = AbortSignal.any([signal, stop.signal]);
      const todo = datumsToRun(this.#context, {
        job: this.#job,
        inputs,
        base,
        earlier: await this.#earlierResults(),
        progress: this.#progress,
        outputs: this.#outputs,
        tally: this.#tally,
        signal: either,
      });
      await this.#runAll(inputs, todo, either);
    } finally {
      stop.abort();
      await flushing;
    }
    this.#tally.count();
    await this.#finish(inputs, { base, end: await this.#sent(inputs, base, signal) });
  }

  /** The tree of the results of earlier jobs. */
  async #earlierResults(): Promise<string | null> {
    const { pipeline, id } = this.#job;
    const meta = await getCommit(this.#context, metaRepo(pipeline), id);
    return (await lastGood(this.#context, meta.repo, meta.parent))?.tree ?? null;
  }

  async #runAll(
    inputs: JobInputs,
    todo: AsyncGenerator<Datum>,
    signal: AbortSignal,
  ): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const queue = new DatumQueue(todo, {
      ahead: inputs.spec.parallelism_spec.constant * AHEAD_OF_EACH,
      prepare: (datum) => this.#pool.prefetch(datum, either),
    });
    try {
      if (await queue.hasNext()) {
        await this.#work(inputs, queue, signal);
      }
    } finally {
      over.abort();
      await queue.close();
    }
  }

  async #work(inputs: JobInputs, queue: DatumQueue<Datum>, signal: AbortSignal): Promise<void> {
    const { state } = this.#context.journal;
    const pipeline = state.pipelines.get(this.#job.pipeline);
    if (pipeline === undefined) {
      throw new EngineError('cancelled', `Cannot run job: its pipeline was deleted`);
    }
    const { image, debug } = inputs.spec.transform;
    const { clock } = this.#context;
    const onProgress = pullLog(this.#logs.open(this.#job, ''), { image, clock });
    const crew = await this.#pool.crew(pipeline, inputs.spec, { signal, onProgress });
    this.#progress.image = crew.image.record;
    await this.#progress.flush('running');
    const [context, job, session] = [this.#context, this.#job, this.#session];
    const makeTask = taskMaker(inputs, { context, job, session });
    const next = () => queue.next();
    let isFirst = true;
    const each = async (worker: CrewMember, datum: Datum, either: AbortSignal): Promise<void> => {
      const task = makeTask(datum, worker.name);
      const log = this.#logs.open(this.#job, datum.id);
      await (debug && log.write(beginLine(datum, worker.name)));
      const part = { parent: this.#span, job, datum: datum.id };
      const outcome = await spanOfDatum(context.tracer, part, () =>
        worker.run(task, {
          job: jobKey(this.#job.pipeline, this.#job.id),
          signal: either,
          onLog: (chunk) => log.write(chunk),
        }),
      );
      await log.end();
      await (debug && log.write(endLine(outcome)));
      this.#take(datum, { ...outcome, image: crew.image }, inputs);
      if (isFirst) {
        isFirst = false;
        await this.#onWork();
      }
    };
    try {
      await crew.work({ next, each, signal });
    } finally {
      this.#pool.rest(this.#job.pipeline);
      await this.#logs.flush(this.#job);
    }
    if (signal.aborted) {
      throw new EngineError('cancelled', 'Cannot go on with the job: it was stopped');
    }
  }

  #take(
    datum: Datum,
    outcome: Pick<
      DatumResult,
      'output' | 'exitCode' | 'reason' | 'tries' | 'stats' | 'started' | 'lastLines'
    > & { readonly state: DatumResult['state']; readonly image: PinnedImage },
    inputs: JobInputs,
  ): void {
    const { image, ...rest } = outcome;
    this.#progress.add({
      ...rest,
      datum: datum.id,
      hash: datum.hash,
      job: this.#job.id,
      version: this.#job.version,
      image: image.record,
      inputs: resultInputs(datum, inputs),
    });
    this.#tally.note(datum, outcome);
  }

  /** Sends the output of a job that succeeded to where its spec says; returns how the job ends. */
  async #sent(inputs: JobInputs, base: JobBase | undefined, signal: AbortSignal): Promise<JobEnd> {
    const end = this.#tally.verdict();
    const { egress: spec } = inputs.spec;
    if (spec === undefined || end.state !== 'success') {
      return end;
    }
    await this.#progress.flush('egressing');
    const { result, packs } = await this.#session.flush((session) =>
      this.#withOutput(session, { inputs, base, end }),
    );
    const reason = await this.#egress.send({
      job: this.#job,
      owner: this.#owner,
      spec,
      tree: result.tree ?? null,
      packs: packsOf(this.#context, this.#job, packs),
      signal,
      say: (line) => this.#logs.open(this.#job, '').write(Buffer.from(`pfs: ${line}\n`)),
    });
    return reason === '' ? end : { state: 'failure', reason };
  }

  /** Adds the output to the end of a job that succeeded; one that can't be made is a failure. */
  async #withOutput(
    session: WriteSession,
    ending: {
      readonly inputs: JobInputs;
      readonly base: JobBase | undefined;
      readonly end: JobEnd;
    },
  ): Promise<JobEnd> {
    const { inputs, base, end } = ending;
    if (end.state !== 'success') {
      return end;
    }
    const results = [this.#progress.results, await this.#earlierResults()];
    try {
      const tree = await this.#outputs.tree(session, {
        base: base?.tree ?? null,
        findWriters: (path) => findWriters(this.#context, session, { inputs, path, results }),
      });
      return { ...end, tree };
    } catch (error) {
      if (!isEngineError(error, 'failed_precondition') && !isEngineError(error, 'invalid')) {
        throw error;
      }
      return { state: 'failure', reason: errorText(error) };
    }
  }

  async #finish(
    inputs: JobInputs,
    ending: { readonly base: JobBase | undefined; readonly end: JobEnd },
  ): Promise<void> {
    await untilSettled(() => this.#finishOnce(inputs, ending));
  }

  async #finishOnce(
    inputs: JobInputs,
    ending: { readonly base: JobBase | undefined; readonly end: JobEnd },
  ): Promise<void> {
    const { result, packs } = await this.#session.flush(async (session) => {
      const results = await this.#progress.takeResults(new SessionWriter(session));
      const end = await this.#withOutput(session, { inputs, ...ending });
      const { counts, stats, image } = this.#progress;
      const full = { ...end, results, datums: { ...counts }, stats: { ...stats }, image };
      const make = await prepareEnd(this.#context, session, { job: this.#job, end: full });
      return { full, make };
    });
    const { full, make } = result;
    try {
      const [job, owner] = [this.#job, this.#owner];
      await commitEnd(this.#context, { job, owner, operations: () => make(packs) });
    } catch (error) {
      if (isMoved(error)) {
        // The next attempt goes on from results and outputs that these packs alone have.
        await this.#progress.store('finishing', { results: full.results, packs });
      }
      throw error;
    }
    endJobSpan(this.#span, full);
  }
}
