// Running one job from claim to finished commit.

import { parseDuration } from '../base/duration.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import { compose } from '../journal/compose.ts';
import { type JobRecord, jobKey, metaRepo } from '../journal/records.ts';
import { getCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { untilSettled } from '../pfs/settled.ts';
import type { WriteSession } from '../pfs/write-session.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import type { CrewMember } from './crew-member.ts';
import { resultInputs } from './datum-list.ts';
import type { DatumResult } from './datum-result.ts';
import { datumTask } from './datum-tasks.ts';
import { beginLine, endLine } from './debug-lines.ts';
import type { Egress } from './egress.ts';
import { changesFrom, findBase, type JobBase } from './job-base.ts';
import { followOutput, type JobEnd, packsOf, prepareEnd } from './job-end.ts';
import { type JobInputs, loadJobInputs } from './job-inputs.ts';
import { type DatumOutput, endWithOutput, type OutputEnding } from './job-output.ts';
import { JobProgress } from './job-progress.ts';
import { verdictOf } from './job-verdict.ts';
import type { JobLogs } from './logs.ts';
import type { PinnedImage } from './pinned-images.ts';
import { pullLog } from './pull-log.ts';
import { findResult } from './results.ts';
import { committedContents, LentSession, SessionWriter } from './session-writer.ts';
import { startingWith } from './starting-with.ts';
import type { WorkerPool } from './worker-pool.ts';

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
      { actor: 'engine' },
    );
    const session = new LentSession(context);
    const run = new JobRun({ ...this.#options, job: claimed, session, onWork });
    try {
      await run.toEnd(signal);
    } catch (error) {
      await run.keep();
      await session.discard();
      throw error;
    }
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
  readonly #added: DatumOutput[] = [];
  readonly #removed: (string | null)[] = [];
  #failure: { readonly datum: Datum; readonly reason: string } | undefined;
  #newDatums = 0;
  #takenDatums = 0;
  #goneDatums = 0;

  constructor(
    options: JobRunnerOptions & {
      readonly job: JobRecord;
      readonly session: LentSession;
      readonly onWork: () => Promise<void>;
    },
  ) {
    this.#onWork = options.onWork;
    this.#context = options.context;
    this.#pool = options.pool;
    this.#logs = options.logs;
    this.#egress = options.egress;
    this.#owner = options.owner;
    this.#job = options.job;
    this.#session = options.session;
    this.#progress = new JobProgress(options.context, options);
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
      const todo = this.#todo(inputs, base);
      await this.#runAll(inputs, todo, AbortSignal.any([signal, stop.signal]));
    } finally {
      stop.abort();
      await flushing;
    }
    this.#count(base);
    await this.#finish(inputs, { base, end: await this.#sent(inputs, base, signal) });
  }

  /** Says how many datums there are, as far as it is known. */
  #count(base: JobBase | undefined): void {
    const { counts } = this.#progress;
    const kept = (base?.total ?? 0) - this.#goneDatums;
    counts.total = kept + this.#newDatums;
    counts.skipped = kept + this.#takenDatums;
  }

  /** Yields the datums that must run; takes the stored results of all others. */
  async *#todo(inputs: JobInputs, base: JobBase | undefined): AsyncGenerator<Datum> {
    const contents = committedContents(this.#context);
    const { pipeline, id, results } = this.#job;
    const meta = await getCommit(this.#context, metaRepo(pipeline), id);
    const { tree } = (await lastGood(this.#context, meta.repo, meta.parent)) ?? { tree: null };
    const everyJob = inputs.spec.reprocess_spec === 'every_job';
    for await (const { kind, datum } of changesFrom(this.#context, base, inputs)) {
      const own = await findResult(contents, { tree: results, hash: datum.hash });
      const earlier = own ?? (await findResult(contents, { tree, hash: datum.hash }));
      if (kind === 'removed') {
        this.#goneDatums += 1;
        this.#removed.push(earlier?.output ?? null);
        continue;
      }
      this.#goneDatums += kind === 'retried' ? 1 : 0;
      this.#newDatums += 1;
      const result = everyJob ? own : earlier;
      if (result?.state === 'success') {
        this.#added.push({ datum, tree: result.output });
        if (result.job === id) {
          this.#progress.count(result);
        } else {
          this.#takenDatums += 1;
        }
      } else if (own?.state === 'failed' || own?.state === 'recovered') {
        // It had all its tries before the engine was cut off.
        this.#progress.count(own);
        this.#note(datum, own);
      } else {
        this.#count(base);
        yield datum;
      }
    }
    this.#count(base);
  }

  async #runAll(
    inputs: JobInputs,
    todo: AsyncGenerator<Datum>,
    signal: AbortSignal,
  ): Promise<void> {
    const first = await todo.next();
    if (first.done) {
      return;
    }
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
    const datums = startingWith(first.value, todo);
    const next = async (): Promise<Datum | undefined> => {
      const step = await datums.next();
      return step.done ? undefined : step.value;
    };
    let isFirst = true;
    const each = async (worker: CrewMember, datum: Datum, either: AbortSignal): Promise<void> => {
      const task = datumTask(inputs, {
        datum,
        job: this.#job,
        context: this.#context,
        session: this.#session,
        worker: worker.name,
      });
      const log = this.#logs.open(this.#job, datum.id);
      await (debug && log.write(beginLine(datum, worker.name)));
      const outcome = await worker.run(task, {
        job: jobKey(this.#job.pipeline, this.#job.id),
        signal: either,
        onLog: (chunk) => log.write(chunk),
      });
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
    this.#note(datum, outcome);
  }

  /** Takes what came of a datum into account for the job's output and end. One that was recovered has no part in either. */
  #note(
    datum: Datum,
    { state, output, reason }: Pick<DatumResult, 'state' | 'output' | 'reason'>,
  ): void {
    if (state === 'success') {
      this.#added.push({ datum, tree: output });
    } else if (state === 'failed') {
      this.#failure ??= { datum, reason };
    }
  }

  /** Sends the output of a job that succeeded to where its spec says; returns how the job ends. */
  async #sent(inputs: JobInputs, base: JobBase | undefined, signal: AbortSignal): Promise<JobEnd> {
    const end = verdictOf(this.#progress.counts, this.#failure);
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

  #withOutput(
    session: WriteSession,
    ending: Pick<OutputEnding, 'inputs' | 'base' | 'end'>,
  ): Promise<JobEnd> {
    const [job, removed, added] = [this.#job, this.#removed, this.#added];
    return endWithOutput(this.#context, session, { ...ending, job, removed, added });
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
    const { pipeline, id } = this.#job;
    const { result: operations, packs } = await this.#session.flush(async (session) => {
      const results = await this.#progress.takeResults(new SessionWriter(session));
      const end = await this.#withOutput(session, { inputs, ...ending });
      const { counts, stats, image } = this.#progress;
      const full = { ...end, results, datums: { ...counts }, stats: { ...stats }, image };
      return await prepareEnd(this.#context, session, { job: this.#job, end: full });
    });
    await this.#context.journal.transact(
      (state) => {
        const now = state.jobs.get(jobKey(pipeline, id));
        if (now?.owner !== this.#owner) {
          throw new EngineError('cancelled', 'Cannot finish the job: it ended or moved meanwhile');
        }
        return compose(state, (draft) => {
          draft.add(...operations(packs));
          followOutput(draft, this.#job, () => this.#context.ids.next());
          return null;
        });
      },
      { actor: 'engine' },
    );
  }
}
