// A simulated world in which much is deleted: writers, some of them slow, readers, deleters, merging and collection on
// several engines over one bucket, for hours on a small grace period. What was acknowledged and not deleted since must read
// back byte for byte, at any time and at the end. All of it follows from one seed.

import assert from 'node:assert/strict';
import { EngineError, isEngineError } from '../../engine/base/errors.ts';
import { SeededRandom } from '../../engine/base/random.ts';
import { pageGraceMs } from '../../engine/journal/snapshotter.ts';
import { openFormat } from '../../engine/object/format.ts';
import { PACKS_PREFIX, parsePackKey } from '../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import { createRepo, keepCommits } from '../../engine/pfs/repos.ts';
import { checkStore } from '../../engine/upkeep/check.ts';
import { collect } from '../../engine/upkeep/collector.ts';
import { Pace } from '../../engine/upkeep/pace.ts';
import { ACTOR, readBytes } from '../support/pfs.ts';
import { KILLED, type Sabotage, SimulatedEngine } from './engine.ts';
// First: the engine's files must find what it replaces.
import { Loop, SimulatedClock } from './loop.ts';
import { FAIR, type Weather } from './network.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const ENGINES = 3;
/** Pages of history stay longer than the grace periods here. */
const SETTINGS = {
  tries: 4,
  budgetBytes: 16 * 1024 * 1024,
  snapshots: { entries: 25, keepMs: pageGraceMs(0) },
  followMs: MINUTE,
  staleMs: 5 * MINUTE,
};
const PATIENCE_MS = 5 * MINUTE;
const SLOTS = ['a', 'b', 'c'];

/** What may be said to users here; `corrupt` and `internal` never are. */
export const SAYABLE: ReadonlySet<string> = new Set([
  'unavailable',
  'not_found',
  'already_exists',
  'failed_precondition',
  'conflict',
]);

/** What a commit was when it was acknowledged, and whether it must still be there. */
export interface Remembered {
  readonly repo: string;
  readonly id: string;
  readonly files: ReadonlyMap<string, string>;
  /** `gone`: deleted or let go, or perhaps so. It need not be there; where it is, it is what it was. */
  state: 'there' | 'gone';
}

/** What may happen in the world; each call is one such thing. */
export interface Acts {
  write(): Promise<void>;
  writeSlowly(): Promise<void>;
  writeOpen(): Promise<void>;
  delete(): Promise<void>;
  undelete(): Promise<void>;
  compact(): Promise<void>;
  collect(): Promise<void>;
  feed(): Promise<void>;
  changePipeline(): Promise<void>;
  kill(): Promise<void>;
}

/** Everything that there is in one run. */
export class UpkeepWorld {
  readonly loop = new Loop();
  readonly counts: Record<string, number> = {};
  readonly random: SeededRandom;
  readonly bucket: MemoryObjectStore;
  readonly hours: number;
  readonly sabotage: Sabotage;
  readonly graceMs: number;
  readonly weather: Weather;
  readonly engines: SimulatedEngine[] = [];
  readonly commits: Remembered[] = [];
  /** The repo that stands in each place now; names are not used twice, so that a commit has one. */
  readonly repos: string[] = [];
  /** Repos whose settings let commits go, and those that somebody deletes. */
  readonly fading = new Set<string>();
  /** What was tried and may yet be done: nobody has said that it was not. */
  readonly unanswered = new Set<string>();
  started = 0;
  named = 0;
  /** What an engine said, to nobody in particular, that none may ever say. */
  #fault: unknown;

  constructor(seed: number, options: { readonly hours: number; readonly sabotage?: Sabotage }) {
    this.random = new SeededRandom(seed);
    this.hours = options.hours;
    this.sabotage = options.sabotage ?? (() => undefined);
    this.bucket = new MemoryObjectStore({ clock: new SimulatedClock(this.loop) });
    this.graceMs = (10 + this.upTo(50)) * MINUTE;
    const isBad = this.random.fraction() < 0.5;
    this.weather = isBad
      ? { ...FAIR, before: 0.01, after: 0.01, late: 0.005, twice: 0.01, slow: 0.05 }
      : { ...FAIR, slow: 0.02 };
  }

  async run(acts: Acts): Promise<void> {
    await this.loop.run(
      () => this.live(acts),
      async () => {
        if (this.#fault !== undefined) {
          throw this.#fault;
        }
      },
    );
  }

  async live(acts: Acts): Promise<void> {
    await openFormat(this.bucket, { newId: () => '0'.repeat(32) });
    for (let slot = 0; slot < ENGINES; slot++) {
      this.engines.push(await this.start(this.weather, slot));
    }
    for (const slot of SLOTS.keys()) {
      await this.makeRepo(slot);
    }
    const end = this.loop.time + this.hours * HOUR;
    const actors: [() => Promise<void>, number][] = [
      [() => acts.write(), 10],
      [() => acts.write(), 10],
      [() => acts.writeSlowly(), 60],
      [() => acts.writeOpen(), 60],
      [() => acts.delete(), 40],
      [() => acts.undelete(), 60],
      [() => this.read(), 10],
      [() => acts.compact(), 15],
      [() => acts.compact(), 15],
      [() => acts.collect(), 20],
      [() => acts.collect(), 30],
      [() => acts.feed(), 20],
      [() => acts.changePipeline(), 120],
      [() => acts.kill(), 180],
    ];
    await Promise.all(
      actors.map(async ([act, minutes]) => {
        for (;;) {
          await this.loop.sleep(this.random.fraction() * 2 * minutes * MINUTE);
          if (this.loop.time >= end) {
            return;
          }
          await act();
        }
      }),
    );
    await this.end();
  }

  /** Starts another engine, on one of the homes or on one of its own. */
  async start(weather: Weather, home?: number): Promise<SimulatedEngine> {
    this.started += 1;
    return await SimulatedEngine.start({
      loop: this.loop,
      bucket: this.bucket,
      weather,
      name: `e${this.started}`,
      home: String(home ?? ENGINES + this.started).padStart(16, '0'),
      seed: this.upTo(2 ** 31),
      offset: this.upTo(40_000) - 20_000,
      settings: SETTINGS,
      sabotage: this.sabotage,
      // Thrown from here it would be lost: whoever tells of a problem has nobody to tell of another.
      onProblem: (error) => {
        if (isEngineError(error, 'corrupt') || isEngineError(error, 'internal')) {
          this.#fault ??= error;
        }
      },
    });
  }

  /** Does something on some engine; resolves with undefined where it came to nothing, or nobody knows. */
  async try<T>(
    what: string,
    work: (engine: SimulatedEngine) => Promise<T>,
  ): Promise<T | undefined> {
    const engine = this.pick(this.engines);
    this.loop.note(`${engine.name}: ${what}`);
    const doing = (async () => {
      await engine.context.journal.sync();
      return await work(engine);
    })();
    doing.catch(() => undefined);
    const timeout = this.loop.sleep(PATIENCE_MS).then(() => {
      throw KILLED;
    });
    timeout.catch(() => undefined);
    try {
      return await Promise.race([doing, engine.killed, timeout]);
    } catch (error) {
      if (isEngineError(error, 'unavailable')) {
        this.unanswered.add(what);
      }
      this.loop.note(`${engine.name}: ${what}: ${(error as Error).message}`);
      if (!(error instanceof EngineError) || !SAYABLE.has(error.code)) {
        throw error;
      }
      if (/is gone, since the write took longer/.test(error.message)) {
        this.count('too late');
      }
      return undefined;
    }
  }

  async makeRepo(slot: number): Promise<void> {
    const name = `${SLOTS[slot]}${this.named++}`;
    const made = await this.try(`create ${name}`, (engine) =>
      createRepo(engine.context, { key: `default/${name}`, description: '' }, ACTOR),
    );
    this.repos[slot] = name;
    if (made && this.random.fraction() < 0.3) {
      const keep = { last: 1 + this.upTo(3), forMs: this.random.fraction() < 0.5 ? null : HOUR };
      this.fading.add(name);
      await this.try(`keep ${JSON.stringify(keep)} of ${name}`, (engine) =>
        keepCommits(engine.context, { key: `default/${name}`, keep }, ACTOR),
      );
    }
  }

  /** Notes what an acknowledged commit is: what reading it gives now, which has what was put. */
  async remember(
    to: string,
    commit: { readonly id: string; readonly finished: number | null } | undefined,
    put: Record<string, Buffer> = {},
  ): Promise<void> {
    if (!commit || commit.finished === null) {
      return;
    }
    const [repo = ''] = to.split('@');
    this.count('commits');
    const files = await this.readFiles(repo, commit.id);
    if (!files) {
      return;
    }
    for (const [path, data] of Object.entries(put)) {
      assert.equal(files.get(path), data.toString(), `${to}:${path} was put`);
    }
    const state = this.fading.has(repo) || !this.repos.includes(repo) ? 'gone' : 'there';
    this.commits.push({ repo, id: commit.id, files, state });
  }

  async readFiles(repo: string, id: string): Promise<ReadonlyMap<string, string> | undefined> {
    return await this.try(`read ${repo}@${id}`, async (engine) => {
      const found = await readBytes(engine, `${repo}@${id}`);
      return new Map([...found].map(([path, { bytes }]) => [path, bytes.toString()]));
    });
  }

  async read(): Promise<void> {
    const commit = this.pick(this.commits);
    if (commit) {
      await this.check(commit);
    }
  }

  async check(commit: Remembered): Promise<void> {
    const before = commit.state;
    const files = await this.readFiles(commit.repo, commit.id);
    if (files) {
      this.count('reads');
      assert.deepEqual(files, commit.files, `${commit.repo}@${commit.id} reads otherwise`);
    } else if (before === 'there' && commit.state === 'there') {
      await this.demand(commit);
    }
  }

  /** Where reading failed for whatever passing reason: it must not be that the commit is not there. */
  async demand(commit: Remembered): Promise<void> {
    const engine = await this.start(FAIR);
    try {
      const found = await readBytes(engine, `${commit.repo}@${commit.id}`);
      assert.equal(found.size, commit.files.size);
    } catch (error) {
      if (commit.state === 'there') {
        throw error;
      }
    } finally {
      engine.kill();
    }
  }

  forget(isGone: (commit: Remembered) => boolean): void {
    for (const commit of this.commits.filter(isGone)) {
      commit.state = 'gone';
    }
  }

  /** All is quiet: what must be there is there, the store is whole, and no garbage is left after a while. */
  async end(): Promise<void> {
    await this.loop.sleep(4 * this.graceMs);
    const engine = await this.start(FAIR);
    for (const other of this.engines) {
      other.kill();
    }
    await this.jobsDone(engine);
    const restored = engine.context.journal.state.removedPacks;
    this.count('removed', restored.size);
    const random = new SeededRandom(1);
    const problems: string[] = [];
    for (let i = 0; i < 5; i++) {
      await this.loop.sleep(this.graceMs + MINUTE);
      await engine.compactor.compact({
        minPacks: 2,
        pace: new Pace({ clock: engine.context.clock }),
      });
      await collect(engine.context, {
        graceMs: this.graceMs,
        dryRun: false,
        pace: new Pace({ clock: engine.context.clock }),
        pruneResults: (pipeline, options) => engine.pruning.prune(pipeline, options),
      });
    }
    const { clock, journal } = engine.context;
    for await (const one of checkStore(this.bucket, { data: true, clock, random })) {
      if ('level' in one && one.level === 'damage') {
        problems.push(one.message);
      }
    }
    assert.deepEqual(problems, []);
    for (const commit of this.commits) {
      if (commit.state === 'there') {
        const found = await readBytes(engine, `${commit.repo}@${commit.id}`);
        const files = new Map([...found].map(([path, { bytes }]) => [path, bytes.toString()]));
        assert.deepEqual(files, commit.files, `${commit.repo}@${commit.id} at the end`);
      }
    }
    this.count('kept', this.commits.filter(({ state }) => state === 'there').length);
    const stored = new Set<string>();
    for await (const { key } of this.bucket.list(PACKS_PREFIX)) {
      stored.add(parsePackKey(key)?.id ?? key);
    }
    const named = [...journal.state.packs.keys(), ...journal.state.removedPacks.keys()];
    for (const id of stored) {
      assert.ok(named.includes(id), `pack ${id} is garbage that nobody collects`);
    }
  }

  /** Waits until all jobs have ended, on the one engine that is left. */
  async jobsDone(engine: SimulatedEngine): Promise<void> {
    const { jobs } = engine.context.journal.state;
    for (const end = this.loop.time + 4 * HOUR; jobs.keysBy('active', 'active').size > 0; ) {
      assert.ok(this.loop.time < end, 'a job never ends');
      await this.loop.sleep(MINUTE);
    }
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  upTo(below: number): number {
    return Math.floor(this.random.fraction() * below);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.upTo(list.length)] as T;
  }
}
