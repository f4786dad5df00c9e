// An engine of a simulated world: everything of the real one between its API and its store, with user code that is a
// function. It may be killed, frozen, and have its clock set.

import { ByteBudget } from '../../engine/base/byte-budget.ts';
import { EngineError } from '../../engine/base/errors.ts';
import { IdMaker } from '../../engine/base/ids.ts';
import { SeededRandom } from '../../engine/base/random.ts';
import type { ContentReader, ContentWriter } from '../../engine/jobs/contents.ts';
import type { DatumOutcome, DatumTask } from '../../engine/jobs/datum-task.ts';
import type { Egress } from '../../engine/jobs/egress.ts';
import { Heartbeat } from '../../engine/jobs/heartbeat.ts';
import { JobRunner } from '../../engine/jobs/job-runner.ts';
import { JobLogs } from '../../engine/jobs/logs.ts';
import { Scheduler } from '../../engine/jobs/scheduler.ts';
import type { WorkerPool } from '../../engine/jobs/worker-pool.ts';
import type { EntryRef } from '../../engine/journal/records.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { RetryingObjectStore } from '../../engine/object/retrying.ts';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import type { PfsContext } from '../../engine/pfs/context.ts';
import { openPfs } from '../../engine/pfs/open.ts';
import type { Loop, Owner } from './loop.ts';
import { SimulatedClock } from './loop.ts';
import { Network, type Weather } from './network.ts';
import { processed } from './witness.ts';

export const KILLED = new EngineError('unavailable', 'Cannot answer: the engine was killed');

const IMAGE = {
  record: { reference: 'copy', digest: `sha256:${'0'.repeat(64)}` },
  resolved: { reference: 'copy', id: '', digest: '', environment: {}, entrypoint: [], command: [] },
};
const NO_STATS = { downloadBytes: 0, uploadBytes: 0, downloadMs: 0, processMs: 0, uploadMs: 0 };

export interface EngineOptions {
  readonly loop: Loop;
  readonly bucket: ObjectStore;
  readonly seed: number;
  readonly weather: Weather;
  readonly name: string;
  /** 16 hex digits: the home on which it runs. */
  readonly home: string;
  /** How far its wall clock is off. */
  readonly offset: number;
}

/** One run of an engine. */
export class SimulatedEngine {
  readonly name: string;
  readonly owner: Owner = { frozenUntil: 0, isDead: false };
  readonly clock: SimulatedClock;
  readonly network: Network;
  /** Rejects when it is killed. */
  readonly killed: Promise<never>;
  readonly context: PfsContext;
  readonly queue: CommitQueue;
  #reject: (error: unknown) => void = () => undefined;

  private constructor(
    options: EngineOptions,
    parts: Pick<SimulatedEngine, 'owner' | 'clock' | 'network' | 'context'>,
  ) {
    this.name = options.name;
    this.owner = parts.owner;
    this.clock = parts.clock;
    this.network = parts.network;
    this.context = parts.context;
    this.queue = new CommitQueue(this.context);
    this.killed = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.killed.catch(() => undefined);
  }

  /** Opens the store, again and again while it does not answer, and goes to work. */
  static async start(options: EngineOptions): Promise<SimulatedEngine> {
    const { loop, bucket, seed, weather, name, offset, home } = options;
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
      policy: { tries: 3, firstDelayMs: 50, maxDelayMs: 500 },
    });
    const self = home + random.bytes(8).toString('hex');
    const onProblem = (error: unknown) =>
      loop.note(`${name} says: ${String((error as Error).message)}`);
    for (;;) {
      try {
        const context = await openPfs({
          store,
          clock,
          random,
          ids: new IdMaker(clock, random),
          budget: new ByteBudget(8 * 1024 * 1024),
          engine: self,
          snapshots: { entries: 15 },
          onProblem,
        });
        context.journal.follow({ intervalMs: 2000 });
        const engine = new SimulatedEngine(options, { owner, clock, network, context });
        engine.#work(store, { self, random, onProblem });
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

  #work(
    store: ObjectStore,
    options: {
      readonly self: string;
      readonly random: SeededRandom;
      readonly onProblem: (error: unknown) => void;
    },
  ): void {
    const { context, clock } = this;
    const { self, random, onProblem } = options;
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

/** Two workers that turn every file they see into a file of the same name. */
class Workers {
  readonly #clock: SimulatedClock;
  readonly #random: SeededRandom;

  constructor(clock: SimulatedClock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  async crew() {
    const run = async (task: DatumTask, { signal }: { readonly signal: AbortSignal }) =>
      await this.#process(task, signal);
    return {
      image: IMAGE,
      work: async (loop: (worker: { name: string; run: typeof run }) => Promise<void>) => {
        await Promise.all(['w0', 'w1'].map((name) => loop({ name, run })));
      },
    };
  }

  rest(): void {}

  async #process(task: DatumTask, signal: AbortSignal): Promise<DatumOutcome> {
    await this.#clock.sleep(10 + this.#random.fraction() * 3000, { signal });
    const files: [string[], string][] = [];
    for (const { path, mode, id } of task.entries) {
      await collect(task.contents, { mode, id }, { path: path.split('/').filter(Boolean), files });
    }
    const output = await task.withWriter((writer) => write(writer, files));
    return {
      state: 'success',
      output,
      exitCode: 0,
      reason: '',
      lastLines: [],
      tries: 1,
      stats: NO_STATS,
      started: this.#clock.now(),
    };
  }
}

async function collect(
  contents: ContentReader,
  entry: EntryRef,
  into: { readonly path: readonly string[]; readonly files: [string[], string][] },
): Promise<void> {
  const { path, files } = into;
  if (entry.mode === '40000') {
    for (const { name, mode, id } of (await contents.readDirectory(entry.id)).entries) {
      await collect(contents, { mode, id }, { path: [...path, name], files });
    }
    return;
  }
  const file = await contents.readFile(entry.id);
  const parts: Uint8Array[] = file.kind === 'small' ? [file.bytes] : [];
  if (file.kind === 'large') {
    for await (const part of file.read()) {
      parts.push(part);
    }
  }
  files.push([[...path], processed(Buffer.concat(parts).toString())]);
}

/** Writes files as a tree; returns it, or null for none. */
async function write(
  writer: ContentWriter,
  files: readonly (readonly [readonly string[], string])[],
): Promise<string | null> {
  const entries: { name: string; mode: '100644' | '40000'; id: string }[] = [];
  const large = new Set<string>();
  const below = new Map<string, [string[], string][]>();
  for (const [[name = '', ...rest], text] of files) {
    if (rest.length > 0) {
      below.set(name, [...(below.get(name) ?? []), [rest, text]]);
      continue;
    }
    const { id, isLarge } = await writer.writeFile(Buffer.from(text));
    entries.push({ name, mode: '100644', id });
    if (isLarge) {
      large.add(name);
    }
  }
  for (const [name, inside] of below) {
    entries.push({ name, mode: '40000', id: (await write(writer, inside)) ?? '' });
  }
  entries.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return await writer.writeDirectory({ entries, large });
}

/** What Git sorts an entry by. */
function key({ name, mode }: { readonly name: string; readonly mode: string }): string {
  return mode === '40000' ? `${name}/` : name;
}
