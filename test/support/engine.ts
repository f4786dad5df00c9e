// An engine in the test's own process, on a store in memory, with user code that is a function: everything between a
// commit and the output it causes, and no container.

import { join } from 'node:path';
import type { Asker } from '../../engine/auth/asker.ts';
import type { Clock } from '../../engine/base/clock.ts';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import type { Tracer } from '../../engine/base/tracer.ts';
import type { EgressSettings } from '../../engine/egress/target.ts';
import { Hosting } from '../../engine/hosting/hosting.ts';
import { Admission } from '../../engine/jobs/admission.ts';
import { makeRequested } from '../../engine/jobs/changes.ts';
import { Egress } from '../../engine/jobs/egress.ts';
import { FileCache } from '../../engine/jobs/file-cache.ts';
import { GitWatcher } from '../../engine/jobs/git-watcher.ts';
import { getJob } from '../../engine/jobs/job-lookup.ts';
import { JobRunner } from '../../engine/jobs/job-runner.ts';
import { JobLogs } from '../../engine/jobs/logs.ts';
import { type PutPipeline, putPipelines, stopPipeline } from '../../engine/jobs/pipelines.ts';
import { Scheduler } from '../../engine/jobs/scheduler.ts';
import { Ticker } from '../../engine/jobs/ticker.ts';
import { WorkerPool } from '../../engine/jobs/worker-pool.ts';
import type { CommitRecord, JobRecord, PipelineRecord } from '../../engine/journal/records.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { deleteFiles } from '../../engine/pfs/change-files.ts';
import { resolveCommit } from '../../engine/pfs/commit-lookup.ts';
import { type Room, sharedRoom } from '../../engine/pipeline/resources.ts';
import { KeyRing } from '../../engine/secrets/key-ring.ts';
import { Secrets } from '../../engine/secrets/secrets.ts';
import { batchDoors } from '../../engine/server/batch-doors.ts';
import { FakeExecutor } from './fake-executor.ts';
import {
  ACTOR,
  type Contents,
  createRepos,
  openTestPfs,
  type Pfs,
  type PutOptions,
  put,
  readAll,
  target,
} from './pfs.ts';
import { scratchDirectory } from './scratch.ts';

type Test = Parameters<typeof scratchDirectory>[0] & { after(close: () => Promise<void>): void };

/** What an engine says of egress that has nowhere to send anything. */
const NO_EGRESS: EgressSettings = {
  directories: [],
  forbidden: [],
  store: { kind: 'memory' },
  credentials: { accessKey: '', secretKey: '' },
  endpoint: undefined,
  retryMs: 0,
};

export interface TestEngineOptions {
  readonly egress?: Partial<EgressSettings>;
  readonly store?: ObjectStore;
  readonly clock?: Clock;
  readonly executor?: FakeExecutor;
  readonly self?: string;
  readonly idleMs?: number;
  /** Takes spans of what is done. */
  readonly tracer?: Tracer;
  /** What pipelines share, instead of what the executor has. */
  readonly room?: Partial<Room>;
  readonly isAlive?: (owner: string) => boolean;
  /** Keep schedules, too. */
  readonly ticking?: boolean;
  /** The store fails on purpose: what the journal can't do for now is no failure of the test. */
  readonly isFlaky?: boolean;
  /** Do not schedule until told. */
  readonly idle?: boolean;
}

/** A spec as tests write it: what is not said is a copy of one repo, file by file. */
export interface TestSpec {
  readonly name: string;
  /** A repo, or an input as specs have it; none for a spout. */
  readonly input?: string | Readonly<Record<string, unknown>>;
  readonly glob?: string;
  readonly image?: string;
  readonly transform?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** A running engine. */
export class TestEngine {
  readonly pfs: Pfs;
  readonly executor: FakeExecutor;
  readonly scheduler: Scheduler;
  readonly ticker: Ticker;
  readonly hosting: Hosting;
  readonly pool: WorkerPool;
  readonly logs: JobLogs;
  readonly secrets: Secrets;
  readonly gits: GitWatcher;
  readonly store: ObjectStore;
  /** What nobody was there to be told. */
  readonly problems: unknown[];
  #isAbandoned = false;

  private constructor(
    parts: Pick<
      TestEngine,
      | 'pfs'
      | 'executor'
      | 'scheduler'
      | 'ticker'
      | 'hosting'
      | 'pool'
      | 'logs'
      | 'secrets'
      | 'gits'
      | 'store'
      | 'problems'
    >,
  ) {
    this.pfs = parts.pfs;
    this.executor = parts.executor;
    this.scheduler = parts.scheduler;
    this.ticker = parts.ticker;
    this.hosting = parts.hosting;
    this.pool = parts.pool;
    this.logs = parts.logs;
    this.secrets = parts.secrets;
    this.gits = parts.gits;
    this.store = parts.store;
    this.problems = parts.problems;
  }

  /** Opens an engine that ends with the test. */
  static async start(t: Test, options: TestEngineOptions = {}): Promise<TestEngine> {
    const {
      store = new MemoryObjectStore(),
      clock = new SystemClock(),
      self = 'engine-a',
    } = options;
    const { executor = new FakeExecutor(clock), idleMs = 60_000, isAlive = () => false } = options;
    // Hooks run in the order they are added: the engine ends before its directory goes.
    let engine: TestEngine | undefined;
    t.after(() => engine?.close());
    const scratch = scratchDirectory(t);
    const problems: unknown[] = [];
    const onProblem = (error: unknown) => void problems.push(error);
    const pfs = await openTestPfs({
      store,
      clock,
      ...(options.tracer ? { tracer: options.tracer } : {}),
      ...(options.isFlaky ? { onProblem } : {}),
    });
    const { context } = pfs;
    const admission = new Admission({
      clock,
      capacity: async () => sharedRoom(options.room ?? {}, await executor.capacity()),
    });
    const keys = new KeyRing({
      file: join(scratch, 'secret-keys.json'),
      clock,
      random: new SystemRandom(),
    });
    const secrets = new Secrets(context, { keys, random: new SystemRandom() });
    const cache = new FileCache(join(scratch, 'cache'), { maxBytes: 1e9, minFreeBytes: 0 });
    const pool = new WorkerPool({
      context,
      executor,
      secrets,
      admission,
      clock,
      cache,
      scratch: join(scratch, 'workers'),
      minFreeBytes: 0,
      idleMs,
      onProblem,
    });
    const logs = new JobLogs(store, { clock });
    const settings = { ...NO_EGRESS, ...options.egress };
    const egress = new Egress({ context, secrets, clock, settings });
    const runner = new JobRunner({ context, pool, logs, egress, owner: self });
    const scheduler = new Scheduler({ context, clock, runner, self, isAlive, onProblem });
    const ticker = new Ticker({ context, clock, onProblem });
    const hosting = new Hosting({
      context,
      executor,
      cache,
      clock,
      logs,
      secrets,
      admission,
      batchDoors: batchDoors({ onFault: onProblem }),
      scratch: join(scratch, 'hosting'),
      minFreeBytes: 0,
      self,
      isAlive,
      onProblem,
    });
    const gits = new GitWatcher({ context, secrets, clock, scratch, pollMs: 0, onProblem });
    engine = new TestEngine({
      pfs,
      executor,
      scheduler,
      ticker,
      hosting,
      pool,
      logs,
      secrets,
      gits,
      store,
      problems,
    });
    if (options.ticking) {
      ticker.start();
    }
    if (!options.idle) {
      scheduler.start();
      hosting.start();
    }
    return engine;
  }

  /** Leaves everything as it lies, as a kill does; cut its store before. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  async close(): Promise<void> {
    if (this.#isAbandoned) {
      return;
    }
    await Promise.all([this.ticker.stop(), this.gits.stop()]);
    await this.scheduler.stop();
    await this.hosting.stop();
    await Promise.all([this.pool.close(), this.logs.close()]);
    await this.pfs.context.journal.close();
  }

  async repos(...names: readonly string[]): Promise<void> {
    await createRepos(this.pfs, ...names);
  }

  /** Puts files in a commit of their own; returns it. */
  async put(to: string, files: Contents, options: PutOptions = {}): Promise<CommitRecord> {
    return await put(this.pfs, to, files, options);
  }

  /** Deletes files in a commit of its own. */
  async remove(from: string, ...paths: readonly string[]): Promise<CommitRecord> {
    return await deleteFiles(this.pfs.context, this.pfs.queue, {
      target: target(from),
      paths,
      request: ACTOR,
    });
  }

  async read(from: string): Promise<Record<string, string>> {
    return await readAll(this.pfs, from);
  }

  /** Makes pipelines, or changes them. */
  async pipeline(
    specs: TestSpec | readonly TestSpec[],
    options: {
      readonly update?: boolean;
      readonly reprocess?: boolean;
      /** Who makes them. */
      readonly asker?: Asker;
    } = {},
  ): Promise<PutPipeline[]> {
    const { update = false, reprocess = false, asker = ACTOR } = options;
    const list: readonly TestSpec[] = Array.isArray(specs) ? specs : [specs];
    const text = list.map((spec) => JSON.stringify(specOf(spec))).join('\n');
    return await putPipelines(
      this.pfs.context,
      { text, fileName: 'spec.json', project: 'default', update, reprocess },
      asker,
    );
  }

  async rerun(pipeline: string, reprocess = false): Promise<void> {
    const key = `default/${pipeline}`;
    await makeRequested(
      this.pfs.context,
      { kind: 'pipeline.rerun', pipeline: key, reprocess },
      ACTOR,
    );
  }

  async stop(pipeline: string): Promise<void> {
    await stopPipeline(this.pfs.context, `default/${pipeline}`, ACTOR);
  }

  /** Resolves when a look at the state after some change finds what is asked for. */
  async until<T>(find: () => T | undefined | false): Promise<T> {
    const stop = new AbortController();
    for await (const _ of this.pfs.context.journal.changes(stop.signal)) {
      const found = find();
      if (found !== undefined && found !== false) {
        return found;
      }
    }
    throw new Error('the journal ended');
  }

  /** Resolves when no job is left to do. */
  async settled(): Promise<void> {
    const { jobs } = this.pfs.context.journal.state;
    await this.until(() => [...jobs.keysBy('active', 'active')].length === 0);
  }

  record(pipeline: string): PipelineRecord {
    const record = this.pfs.context.journal.state.pipelines.get(`default/${pipeline}`);
    if (record === undefined) {
      throw new Error(`there is no pipeline ${pipeline}`);
    }
    return record;
  }

  /** Returns the commit of `repo@ref`. */
  async commit(from: string): Promise<CommitRecord> {
    const [repo = '', ref = 'master'] = from.split('@');
    return await resolveCommit(this.pfs.context, `default/${repo}`, ref);
  }

  /** Returns the job that made `pipeline@ref`. */
  async job(from: string): Promise<JobRecord> {
    const { repo, id } = await this.commit(from);
    return await getJob(this.pfs.context, repo, id);
  }

  /** Waits for all jobs and returns the one that made `pipeline@ref`. */
  async done(from: string): Promise<JobRecord> {
    await this.settled();
    return await this.job(from);
  }
}

/** Returns the counts of a job as `processed/skipped/failed of total`. */
export function counts({ datums }: JobRecord): string {
  return `${datums.processed}/${datums.skipped}/${datums.failed} of ${datums.total}`;
}

function specOf(spec: TestSpec): Record<string, unknown> {
  const { name, input, glob = '/*', image = 'busybox', transform = {}, ...rest } = spec;
  return {
    pipeline: { name },
    input: typeof input === 'string' ? { pfs: { repo: input, glob } } : input,
    transform: { image, cmd: ['run'], ...transform },
    ...rest,
  };
}
