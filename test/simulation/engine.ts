// An engine of a simulated world: everything of the real one between its API and its store, with user code that is a
// function. It may be killed, frozen, and have its clock set.

import { ByteBudget } from '../../engine/base/byte-budget.ts';
import { EngineError } from '../../engine/base/errors.ts';
import { IdMaker } from '../../engine/base/ids.ts';
import { SeededRandom } from '../../engine/base/random.ts';
import type { Egress } from '../../engine/jobs/egress.ts';
import { Heartbeat } from '../../engine/jobs/heartbeat.ts';
import { JobRunner } from '../../engine/jobs/job-runner.ts';
import { JobLogs } from '../../engine/jobs/logs.ts';
import { ResultPruning } from '../../engine/jobs/result-pruning.ts';
import { Scheduler } from '../../engine/jobs/scheduler.ts';
import type { WorkerPool } from '../../engine/jobs/worker-pool.ts';
import type { SnapshotPolicy } from '../../engine/journal/snapshotter.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { RetryingObjectStore } from '../../engine/object/retrying.ts';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import type { PfsContext } from '../../engine/pfs/context.ts';
import { openPfs } from '../../engine/pfs/open.ts';
import { Compactor } from '../../engine/upkeep/compactor.ts';
import { LinkMemory } from '../../engine/upkeep/link-memory.ts';
import type { Pfs } from '../support/pfs.ts';
import type { Loop, Owner } from './loop.ts';
import { SimulatedClock } from './loop.ts';
import { Network, type Weather } from './network.ts';
import { Workers } from './workers.ts';

export const KILLED = new EngineError('unavailable', 'Cannot answer: the engine was killed');

/** What differs from world to world. */
export interface EngineSettings {
  readonly tries: number;
  readonly budgetBytes: number;
  readonly snapshots: Partial<SnapshotPolicy>;
  /** How often it looks for what others wrote, and after how long they count as dead, in milliseconds. */
  readonly followMs: number;
  readonly staleMs: number;
}

/** Spoils an engine, for tests of the test. */
export type Sabotage = (context: PfsContext, memory: LinkMemory) => void;

export interface EngineOptions {
  readonly loop: Loop;
  readonly bucket: ObjectStore;
  readonly seed: number;
  readonly weather: Weather;
  readonly name: string;
  /** 16 hex digits: the home on which it runs. */
  readonly home: string;
  /** How far its wall clock is off, in milliseconds. */
  readonly offset: number;
  readonly settings: EngineSettings;
  /** Called with what no caller gets to see. */
  readonly onProblem?: (error: unknown) => void;
  readonly sabotage?: Sabotage;
}

/** One run of an engine. */
export class SimulatedEngine implements Pfs {
  readonly name: string;
  readonly owner: Owner = { frozenUntil: 0, isDead: false };
  readonly clock: SimulatedClock;
  readonly network: Network;
  /** Rejects when it is killed. */
  readonly killed: Promise<never>;
  readonly store: ObjectStore;
  readonly budget: ByteBudget;
  readonly context: PfsContext;
  readonly queue: CommitQueue;
  readonly compactor: Compactor;
  /** What its collections remember. */
  readonly memory = new LinkMemory();
  readonly pruning: ResultPruning;
  #reject: (error: unknown) => void = () => undefined;

  private constructor(
    options: EngineOptions,
    parts: Pick<SimulatedEngine, 'owner' | 'clock' | 'network' | 'store' | 'budget' | 'context'>,
    onProblem: (error: unknown) => void,
  ) {
    this.name = options.name;
    this.owner = parts.owner;
    this.clock = parts.clock;
    this.network = parts.network;
    this.store = parts.store;
    this.budget = parts.budget;
    this.context = parts.context;
    this.queue = new CommitQueue(this.context);
    this.compactor = new Compactor(this.context, { onProblem });
    this.pruning = new ResultPruning(this.context);
    this.killed = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.killed.catch(() => undefined);
  }

  /** Opens the store, again and again while it does not answer, and goes to work. */
  static async start(options: EngineOptions): Promise<SimulatedEngine> {
    const { loop, bucket, seed, weather, name, offset, home, settings } = options;
    const owner: Owner = { frozenUntil: 0, isDead: false };
    const random = new SeededRandom(seed);
    const clock = new SimulatedClock(loop, { owner, offset });
    const network = new Network(bucket, {
      loop,
      random: new SeededRandom(seed ^ 0x5bd1e995),
      weather,
      name,
      owner,
    });
    const store = new RetryingObjectStore(network, {
      clock,
      random,
      policy: { tries: settings.tries, firstDelayMs: 50, maxDelayMs: 500 },
    });
    const self = home + random.bytes(8).toString('hex');
    const budget = new ByteBudget(settings.budgetBytes);
    const onProblem = (error: unknown) => {
      loop.note(`${name} says: ${String((error as Error).message)}`);
      options.onProblem?.(error);
    };
    for (;;) {
      try {
        const context = await openPfs({
          store,
          clock,
          random,
          ids: new IdMaker(clock, random),
          budget,
          engine: self,
          snapshots: settings.snapshots,
          onProblem,
        });
        context.journal.follow({ intervalMs: settings.followMs });
        const parts = { owner, clock, network, store, budget, context };
        const engine = new SimulatedEngine(options, parts, onProblem);
        options.sabotage?.(context, engine.memory);
        engine.#work({ self, random, staleMs: settings.staleMs, onProblem });
        loop.note(`${name} is ready at entry ${context.journal.seq}`);
        return engine;
      } catch (error) {
        if (!isPassing(error, network)) {
          throw error;
        }
        await clock.sleep(1000);
      }
    }
  }

  /** Ends it as a power failure does: nothing more reaches it, and it answers nobody. What it has sent may yet arrive. */
  kill(): void {
    this.owner.isDead = true;
    this.#reject(KILLED);
  }

  #work(options: {
    readonly self: string;
    readonly random: SeededRandom;
    readonly staleMs: number;
    readonly onProblem: (error: unknown) => void;
  }): void {
    const { context, clock, store } = this;
    const { self, random, staleMs, onProblem } = options;
    const runner = new JobRunner({
      context,
      // Workers are containers on a disk. These are not, and know only what a job runner asks of its pool.
      pool: new Workers(clock, random) as unknown as WorkerPool,
      logs: new JobLogs(store, { clock }),
      // Nothing is sent anywhere: what is outside is no part of the simulation.
      egress: { send: () => Promise.resolve('') } as unknown as Egress,
      owner: self,
    });
    const heartbeat = new Heartbeat({
      store,
      clock,
      self,
      staleMs,
      onProblem,
      onDeath: () => scheduler.poke(),
    });
    const isAlive = (owner: string) => heartbeat.isAlive(owner);
    const scheduler: Scheduler = new Scheduler({
      context,
      clock,
      runner,
      self,
      isAlive,
      onProblem,
    });
    heartbeat.start();
    scheduler.start();
  }
}

/** Returns whether an error is one that goes by: the store did not answer, or what it answered was damaged on its way. */
export function isPassing(error: unknown, network: { readonly flips: number }): boolean {
  const { code } = error as EngineError;
  return code === 'unavailable' || (code === 'corrupt' && network.flips > 0);
}
