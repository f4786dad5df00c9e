// An engine of the simulated world of upkeep: the store and its contents, without jobs.

import assert from 'node:assert/strict';
import { ByteBudget } from '../../engine/base/byte-budget.ts';
import { EngineError, isEngineError } from '../../engine/base/errors.ts';
import { IdMaker } from '../../engine/base/ids.ts';
import { SeededRandom } from '../../engine/base/random.ts';
import { pageGraceMs } from '../../engine/journal/snapshotter.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { RetryingObjectStore } from '../../engine/object/retrying.ts';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import type { PfsContext } from '../../engine/pfs/context.ts';
import { openPfs } from '../../engine/pfs/open.ts';
import { Compactor } from '../../engine/upkeep/compactor.ts';
import { LinkMemory } from '../../engine/upkeep/link-memory.ts';
import type { Pfs } from '../support/pfs.ts';
import { type Loop, type Owner, SimulatedClock } from './loop.ts';
import { Network, type Weather } from './network.ts';

/** Of all worlds, whose grace periods are shorter. */
const PAGE_GRACE_MS = pageGraceMs(0);

export const KILLED = new EngineError('unavailable', 'Cannot answer: the engine was killed');

/** An engine, and how to end it. */
export interface Engine extends Pfs {
  readonly name: string;
  readonly owner: Owner;
  /** Rejects when it is killed. */
  readonly killed: Promise<never>;
  readonly compactor: Compactor;
  readonly memory: LinkMemory;
  kill(): void;
}

/** Spoils an engine, for tests of the test. */
export type Sabotage = (context: PfsContext, memory: LinkMemory) => void;

/** Opens a store, again and again while it does not answer. */
export async function startEngine(options: {
  readonly loop: Loop;
  readonly bucket: ObjectStore;
  readonly weather: Weather;
  readonly name: string;
  readonly seed: number;
  /** How far its wall clock is off, in milliseconds. */
  readonly offset: number;
  readonly sabotage: Sabotage;
}): Promise<Engine> {
  const { loop, bucket, weather, name, seed, offset, sabotage } = options;
  const random = new SeededRandom(seed);
  const owner: Owner = { frozenUntil: 0, isDead: false };
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
    policy: { tries: 4, firstDelayMs: 50, maxDelayMs: 500 },
  });
  const budget = new ByteBudget(16 * 1024 * 1024);
  const onProblem = (error: unknown) => {
    loop.note(`${name} says: ${(error as Error).message}`);
    assert.ok(
      !isEngineError(error, 'corrupt') && !isEngineError(error, 'internal'),
      error as Error,
    );
  };
  for (;;) {
    try {
      const context = await openPfs({
        store,
        clock,
        random,
        ids: new IdMaker(clock, random),
        budget,
        engine: name,
        snapshots: { entries: 25, keepMs: PAGE_GRACE_MS },
        onProblem,
      });
      context.journal.follow({ intervalMs: 60_000 });
      const memory = new LinkMemory();
      sabotage(context, memory);
      let reject: (error: unknown) => void = () => undefined;
      const killed = new Promise<never>((_resolve, refuse) => {
        reject = refuse;
      });
      killed.catch(() => undefined);
      return {
        name,
        owner,
        killed,
        store,
        budget,
        context,
        queue: new CommitQueue(context),
        compactor: new Compactor(context, { onProblem }),
        memory,
        kill: () => {
          owner.isDead = true;
          reject(KILLED);
        },
      };
    } catch (error) {
      if (!isEngineError(error, 'unavailable')) {
        throw error;
      }
      await clock.sleep(1000);
    }
  }
}
