// A simulated world: a bucket, engines behind bad networks, clients that ask until they are answered, an operator who
// kills, freezes and starts engines, and the witness. All of it follows from one seed.

// First: the engine's files must find what it replaces.
import './loop.ts';

import assert from 'node:assert/strict';
import { SeededRandom } from '../../engine/base/random.ts';
import { putPipelines } from '../../engine/jobs/pipelines.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { ACTOR, createRepos, openTestPfs } from '../support/pfs.ts';
import { Bucket } from './bucket.ts';
import { Client } from './client.ts';
import { SimulatedEngine } from './engine.ts';
import { Loop, SimulatedClock } from './loop.ts';
import { FAIR, type Weather } from './network.ts';
import { Witness } from './witness.ts';

const ENGINES = 2;
const SPEC = {
  pipeline: { name: 'out' },
  input: { pfs: { repo: 'b', glob: '/*' } },
  transform: { image: 'copy', cmd: ['copy'] },
};
const SETTINGS = {
  tries: 3,
  budgetBytes: 8 * 1024 * 1024,
  snapshots: { entries: 15 },
  followMs: 2000,
  staleMs: 30_000,
};
/** After the last request, jobs and late writes have this long to come to their end. */
const REST_MS = 3_600_000;

/** A planted fault: what it does to a bucket, or to what a client sends. */
export interface Mutation {
  /** Puts something between the network and the bucket. */
  readonly wrap?: (bucket: Bucket, loop: Loop, random: SeededRandom) => ObjectStore;
  /** Called when an engine was killed. */
  readonly afterKill?: (bucket: Bucket) => void;
  /** Clients forget, between two tries, that it is the same request. */
  readonly forgetsRequests?: boolean;
}

export interface Run {
  readonly seed: number;
  readonly trace: readonly string[];
  /** What broke, or undefined. */
  readonly failure: unknown;
  readonly commits: number;
  readonly requests: number;
}

let template: Promise<Bucket> | undefined;

/** A store with two repos and a pipeline, made once. */
async function makeTemplate(): Promise<Bucket> {
  const bucket = new Bucket();
  const loop = new Loop();
  const clock = new SimulatedClock(loop);
  const pfs = await openTestPfs({ store: bucket, clock, seed: 1 });
  await createRepos(pfs, 'a', 'b');
  const options = { fileName: 'spec', project: 'default', update: false, reprocess: false };
  await putPipelines(pfs.context, { text: JSON.stringify(SPEC), ...options }, ACTOR);
  await pfs.context.journal.close();
  return bucket;
}

/** Runs the world of a seed to its end. */
export async function simulate(
  seed: number,
  options: { readonly rounds?: number; readonly mutation?: Mutation } = {},
): Promise<Run> {
  template ??= makeTemplate();
  const world = new World(seed, await (await template).copy(), options);
  let failure: unknown;
  try {
    await world.run();
  } catch (error) {
    failure = error;
  }
  const { loop, witness } = world;
  return {
    seed,
    trace: loop.trace,
    failure,
    commits: witness.finished().length,
    requests: witness.asked.size,
  };
}

/** Everything that there is in one run. */
export class World {
  readonly loop = new Loop();
  readonly witness: Witness;
  readonly engines: SimulatedEngine[] = [];
  readonly random: SeededRandom;
  readonly rounds: number;
  readonly mutation: Mutation;
  readonly #bucket: Bucket;
  readonly #store: ObjectStore;
  readonly #weather: Weather;
  #started = 0;

  constructor(
    seed: number,
    bucket: Bucket,
    options: { readonly rounds?: number; readonly mutation?: Mutation },
  ) {
    this.random = new SeededRandom(seed);
    this.rounds = options.rounds ?? 2 + this.upTo(4);
    this.mutation = options.mutation ?? {};
    this.#bucket = bucket;
    this.#store = this.mutation.wrap?.(bucket, this.loop, this.#fork()) ?? bucket;
    this.witness = new Witness(bucket);
    this.#weather = someWeather(this.random);
  }

  async run(): Promise<void> {
    await this.loop.run(
      () => this.#live(),
      () => this.witness.check(),
    );
  }

  /** Returns a number from 0 to `below`. */
  upTo(below: number): number {
    return Math.floor(this.random.fraction() * below);
  }

  async #live(): Promise<void> {
    for (let slot = 0; slot < ENGINES; slot++) {
      this.engines.push(await this.#start(slot, FAIR));
    }
    for (const { network } of this.engines) {
      network.weather = this.#weather;
    }
    const clients = Array.from(
      { length: 1 + this.upTo(3) },
      (_, i) => new Client(this, `c${i}`, this.#fork()),
    );
    const working = Promise.all(clients.map((client) => client.work()));
    let isOver = false;
    const trouble = this.#trouble(() => isOver);
    await working;
    isOver = true;
    await trouble;
    await this.#rest();
    for (const client of clients) {
      client.demandAnswers();
    }
    await this.#demandEqual();
  }

  async #start(slot: number, weather: Weather): Promise<SimulatedEngine> {
    this.#started += 1;
    return await SimulatedEngine.start({
      loop: this.loop,
      bucket: this.#store,
      seed: this.upTo(2 ** 31),
      weather,
      name: `e${this.#started}`,
      home: String(slot).padStart(16, '0'),
      offset: this.upTo(600_000) - 300_000,
      settings: SETTINGS,
    });
  }

  /** Kills, freezes and starts engines, and sets their clocks, until the clients have done their work. */
  async #trouble(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.loop.sleep(500 + this.upTo(20_000));
      const slot = this.upTo(ENGINES);
      const engine = this.engines[slot] as SimulatedEngine;
      const dice = this.random.fraction();
      if (dice < 0.35) {
        this.loop.note(`${engine.name} is killed`);
        engine.kill();
        this.mutation.afterKill?.(this.#bucket);
        this.engines[slot] = await this.#start(slot, this.#weather);
      } else if (dice < 0.65) {
        const ms = 1000 + this.upTo(90_000);
        this.loop.note(`${engine.name} is frozen for ${ms} ms`);
        engine.owner.frozenUntil = this.loop.time + ms;
      } else if (dice < 0.8) {
        engine.clock.offset -= this.upTo(3_600_000);
        this.loop.note(`${engine.name} has its clock set back`);
      }
    }
  }

  /** Lets the weather clear up and everything come to its end. */
  async #rest(): Promise<void> {
    for (const { network } of this.engines) {
      network.weather = FAIR;
    }
    const end = this.loop.time + REST_MS;
    const isDone = () => [...this.witness.jobs.values()].every((job) => job.isOver);
    do {
      await this.loop.sleep(5000);
      assert.ok(this.loop.time < end, 'a job is never done');
    } while (!isDone());
  }

  /** All engines, and one that is opened anew, have the same state, and it is that of the witness. */
  async #demandEqual(): Promise<void> {
    const fresh = await this.#start(ENGINES, FAIR);
    const engines = [...this.engines, fresh];
    // An engine that thawed late may still write, and between two reads of the others.
    for (
      let round = 0;
      engines.some((one) => one.context.journal.seq !== this.witness.seq);
      round++
    ) {
      assert.ok(round < 100, 'the engines do not get to the end of the journal');
      await Promise.all(engines.map((engine) => engine.context.journal.sync()));
    }
    const dumps: string[] = [];
    for (const engine of engines) {
      const { repos, branches, packs, pipelines, jobs } = engine.context.journal.state;
      const unfinished = [...jobs.entries()].filter(([, job]) => job.finished === null);
      dumps.push(
        JSON.stringify([
          [...repos.entries()],
          [...branches.entries()],
          [...packs.entries()],
          [...pipelines.entries()],
          unfinished,
        ]),
      );
    }
    for (const engine of engines) {
      engine.kill();
    }
    for (const dump of dumps) {
      assert.equal(dump, dumps[0], 'engines have folded the same journal differently');
    }
    for (const [branch, head] of this.witness.heads) {
      const found = fresh.context.journal.state.branches.get(branch);
      assert.equal(found?.head ?? null, head, `the head of ${branch}`);
    }
  }

  #fork(): SeededRandom {
    return new SeededRandom(this.upTo(2 ** 31));
  }
}

/** A third of all worlds have a good network, and some have one that also flips bits. */
function someWeather(random: SeededRandom): Weather {
  const kind = random.fraction();
  if (kind < 0.2) {
    return { ...FAIR, slow: 0.05 };
  }
  const worst = kind < 0.7 ? 0.05 : 0.2;
  const rate = () => random.fraction() * worst;
  return {
    before: rate(),
    after: rate(),
    late: rate() / 2,
    twice: rate(),
    cut: rate() / 2,
    flip: random.fraction() < 0.4 ? rate() / 10 : 0,
    slow: rate(),
  };
}
