// Looks after a store in the background while its engine serves: merges small packs, and collects what nothing reaches.

import { isEngineError } from '../base/errors.ts';
import { upkeepOf } from '../journal/live-packs.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type CollectOptions, collect } from './collector.ts';
import { Compactor } from './compactor.ts';
import { LinkMemory } from './link-memory.ts';
import { Pace } from './pace.ts';
import type { CollectReport } from './report.ts';
import type { PruneResults } from './retention.ts';
import { type RepoUsage, type Usage, type UsageTarget, usageOf, usageOfRepos } from './usage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Writes that follow one another are waited for, so that one merge takes them all. */
const SETTLE_MS = 5 * SECOND;
/** After so long without a write what is left is merged too. */
const QUIET_MS = 2 * MINUTE;
const MERGE_FROM = 8;
const MERGE_FROM_WHEN_QUIET = 2;
/** How often it is looked whether a collection is due. */
const LOOK_MS = 5 * MINUTE;
/** The part of the time that upkeep may take for itself. */
const SHARE = 0.25;

export interface UpkeepOptions {
  /** The id of this engine, as its heartbeat has it. */
  readonly self: string;
  readonly isAlive: (engine: string) => boolean;
  /** How long what was let go of stays, in milliseconds. */
  readonly graceMs: number;
  /** How long after a collection the next one is due, in milliseconds; 0: never by itself. */
  readonly collectEveryMs: number;
  /** Whether small packs are merged. */
  readonly compacts: boolean;
  readonly pruneResults?: PruneResults;
  readonly onProblem: (error: unknown) => void;
  readonly onReport?: (report: CollectReport) => void;
}

/** The upkeep of one store by one engine. */
export class Upkeep {
  readonly #context: PfsContext;
  readonly #options: UpkeepOptions;
  readonly #compactor: Compactor;
  readonly #memory = new LinkMemory();
  readonly #ending = new AbortController();
  /** Merging and collecting take turns: each would undo the other's work. */
  #turn: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> | undefined;

  constructor(context: PfsContext, options: UpkeepOptions) {
    this.#context = context;
    this.#options = options;
    this.#compactor = new Compactor(context, { onProblem: options.onProblem });
  }

  /** Begins to work by itself. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Ends all work, also what users asked for; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#loop;
    await this.#turn;
  }

  /** The grace period of collections that ask for none of their own, in milliseconds. */
  get graceMs(): number {
    return this.#options.graceMs;
  }

  /** Merges what can be merged, then collects, at full speed: somebody waits for it. Rejects as {@link collect} does. */
  collectNow(options: {
    readonly graceMs: number;
    readonly dryRun: boolean;
    readonly signal?: AbortSignal;
  }): Promise<CollectReport> {
    const { graceMs, dryRun, signal } = options;
    const pace = this.#pace({ share: 1, ...(signal ? { signal } : {}) });
    return this.#inTurn(async () => {
      if (!dryRun && this.#options.compacts) {
        await this.#compactor.compact({ minPacks: MERGE_FROM_WHEN_QUIET, pace });
      }
      return await this.#collect({ graceMs, dryRun, pace });
    });
  }

  /** Returns what each of the users' repos takes. */
  usageOfRepos(signal: AbortSignal): Promise<RepoUsage[]> {
    return usageOfRepos(this.#context, this.#pace({ share: 1, signal }));
  }

  /** Returns what one repo, branch or commit takes; `not_found` when there is no such thing. */
  usageOf(target: UsageTarget, signal: AbortSignal): Promise<Usage> {
    return usageOf(this.#context, target, this.#pace({ share: 1, signal }));
  }

  async #run(): Promise<void> {
    const { journal, clock } = this.#context;
    const { signal } = this.#ending;
    // At the start nobody knows what the last engine left undone.
    let merged = -1;
    let quiet = -1;
    while (!signal.aborted && !journal.failure) {
      const { seq } = journal;
      try {
        if (seq !== merged) {
          await clock.sleep(SETTLE_MS, { signal });
          merged = journal.seq;
          await this.#compact(MERGE_FROM);
        } else if (seq !== quiet) {
          quiet = seq;
          await this.#compact(MERGE_FROM_WHEN_QUIET);
          // What the merge itself wrote is nothing new.
          [merged, quiet] = [journal.seq, journal.seq];
        }
        await this.#collectIfDue();
        await this.#rest(seq === merged && seq === quiet ? LOOK_MS : QUIET_MS, seq);
      } catch (error) {
        if (!isEngineError(error, 'cancelled')) {
          this.#options.onProblem(error);
          await clock.sleep(LOOK_MS, { signal }).catch(() => undefined);
        }
      }
    }
  }

  async #compact(minPacks: number): Promise<void> {
    if (this.#options.compacts) {
      const pace = this.#pace({ share: SHARE });
      await this.#inTurn(() => this.#compactor.compact({ minPacks, pace }));
    }
  }

  /** Collects if the last collection, by whichever engine, is long enough ago and none is running. */
  async #collectIfDue(): Promise<void> {
    const { self, isAlive, collectEveryMs, graceMs } = this.#options;
    const { journal, clock } = this.#context;
    const time = clock.now();
    const isDue = () => {
      const { owner, finished, started } = upkeepOf(journal.state);
      const isTaken = owner !== null && owner !== self && isAlive(owner);
      return collectEveryMs > 0 && !isTaken && time - Math.max(finished, started) >= collectEveryMs;
    };
    if (!isDue()) {
      return;
    }
    const isOurs = await journal.transact(
      () =>
        isDue()
          ? { operations: [{ kind: 'upkeep.claimed' as const, owner: self, time }], result: true }
          : { operations: [], result: false },
      { actor: 'engine' },
    );
    if (!isOurs) {
      return;
    }
    const pace = this.#pace({ share: SHARE });
    const report = await this.#inTurn(() => this.#collect({ graceMs, dryRun: false, pace }));
    await journal.transact(
      () => ({
        operations: [{ kind: 'upkeep.finished' as const, owner: self, time: clock.now() }],
        result: null,
      }),
      { actor: 'engine' },
    );
    this.#options.onReport?.(report);
  }

  #collect(options: Pick<CollectOptions, 'graceMs' | 'dryRun' | 'pace'>): Promise<CollectReport> {
    const { pruneResults } = this.#options;
    const memory = this.#memory;
    return collect(this.#context, {
      ...options,
      memory,
      ...(pruneResults ? { pruneResults } : {}),
    });
  }

  /** Resolves after `ms`, or once the journal has gone on from `seq`. */
  async #rest(ms: number, seq: number): Promise<void> {
    const { journal, clock } = this.#context;
    const awake = new AbortController();
    const signal = AbortSignal.any([awake.signal, this.#ending.signal]);
    const change = journal.waitFor(() => (journal.seq > seq ? true : undefined), { signal });
    const sleep = clock.sleep(ms, { signal });
    try {
      await Promise.race([change, sleep]);
    } finally {
      awake.abort();
      await Promise.allSettled([change, sleep]);
    }
  }

  #pace(options: { readonly share: number; readonly signal?: AbortSignal }): Pace {
    const { share, signal } = options;
    const { clock } = this.#context;
    const ends = signal ? AbortSignal.any([signal, this.#ending.signal]) : this.#ending.signal;
    return new Pace({ clock, share, signal: ends });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
