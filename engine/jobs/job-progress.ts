// What a running job has done so far: counted, and made durable at least every two seconds, so that a kill costs at
// most those.

import { pipelineActor } from '../auth/asker.ts';
import { EngineError } from '../base/errors.ts';
import type { DatumCounts, ImageRecord, JobRecord, JobStats } from '../journal/records.ts';
import type { JobState } from '../journal/states.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { SessionPacks } from '../pfs/write-session.ts';
import type { DatumResult } from './datum-result.ts';
import { packsOf } from './job-end.ts';
import type { JobOutputs } from './job-outputs.ts';
import { mergeResults } from './results.ts';
import { type LentSession, SessionWriter } from './session-writer.ts';

const FLUSH_MS = 2000;

type MutableCounts = { -readonly [K in keyof DatumCounts]: DatumCounts[K] };
type MutableStats = { -readonly [K in keyof JobStats]: JobStats[K] };

/** Gathers the results of one job. */
export class JobProgress {
  readonly counts: MutableCounts = { total: 0, processed: 0, skipped: 0, failed: 0, recovered: 0 };
  readonly stats: MutableStats;
  readonly #context: PfsContext;
  readonly #job: JobRecord;
  readonly #owner: string;
  readonly #session: LentSession;
  readonly #outputs: JobOutputs;
  #results: string | null;
  #fresh: DatumResult[] = [];
  #flushing: Promise<void> | undefined;
  /** False from when results were merged until they are in the journal. */
  #isStored = true;
  image: ImageRecord | null;

  constructor(
    context: PfsContext,
    options: {
      readonly job: JobRecord;
      readonly owner: string;
      readonly session: LentSession;
      readonly outputs: JobOutputs;
    },
  ) {
    this.#context = context;
    this.#job = options.job;
    this.#owner = options.owner;
    this.#session = options.session;
    this.#outputs = options.outputs;
    this.#results = options.job.results;
    this.image = options.job.image;
    this.stats = { ...options.job.stats };
  }

  /** Whether there are results that no flush has stored, upon others that are stored. */
  get canKeep(): boolean {
    return this.#fresh.length > 0 && this.#isStored;
  }

  /** The tree of the job's results, as far as they were merged. */
  get results(): string | null {
    return this.#results;
  }

  /** Takes the result of a datum that just ran. */
  add(result: DatumResult): void {
    this.#fresh.push(result);
    this.count(result);
    for (const key of Object.keys(this.stats) as (keyof JobStats)[]) {
      this.stats[key] += result.stats[key];
    }
  }

  /** Counts a result, of this run or of an earlier one of the same job. */
  count(result: DatumResult): void {
    const key = result.state === 'success' ? 'processed' : result.state;
    this.counts[key] += 1;
  }

  /**
   * Results that no flush has stored, merged into the tree of those before; for a transaction that names what the writer's
   * session brings. Rejects with `unavailable` where that of the call before came to nothing: no live pack has its tree.
   */
  async takeResults(writer: SessionWriter): Promise<string | null> {
    if (!this.#isStored) {
      throw new EngineError(
        'unavailable',
        'Cannot go on with the job: what it did last was not stored; it is tried again',
      );
    }
    const fresh = this.#fresh;
    this.#fresh = [];
    this.#isStored = false;
    this.#results = await mergeResults(writer, this.#results, fresh);
    return this.#results;
  }

  /** Stores what there is every two seconds until `signal` aborts. Rejects when the job is no longer this engine's. */
  async flushUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#context.clock.sleep(FLUSH_MS, { signal });
      } catch {
        return;
      }
      if (this.#fresh.length > 0) {
        await this.flush('running');
      }
    }
  }

  /** Journals the counts, and the results so far. One flush at a time: each adds to what the one before has stored. */
  async flush(state: JobState): Promise<void> {
    const before = this.#flushing;
    const flushing = (async () => {
      await before?.catch(() => undefined);
      await this.#flush(state);
    })();
    this.#flushing = flushing;
    await flushing;
  }

  async #flush(state: JobState): Promise<void> {
    const { result, packs } = await this.#session.flush(async (session) => {
      await this.#outputs.gather(session);
      return await this.takeResults(new SessionWriter(session));
    });
    await this.store(state, { results: result, packs });
  }

  /** Journals the counts, and the results that were taken last, with the packs that bring them. */
  async store(
    state: JobState,
    taken: { readonly results: string | null; readonly packs: SessionPacks },
  ): Promise<void> {
    const { results, packs } = taken;
    const { pipeline, id } = this.#job;
    await this.#context.journal.transact(
      () => ({
        operations: [
          ...packsOf(this.#context, this.#job, packs),
          {
            kind: 'job.progressed' as const,
            pipeline,
            job: id,
            owner: this.#owner,
            state,
            datums: { ...this.counts },
            stats: { ...this.stats },
            results,
            image: this.image,
          },
        ],
        result: null,
      }),
      { actor: pipelineActor(pipeline) },
    );
    this.#isStored = true;
  }
}
