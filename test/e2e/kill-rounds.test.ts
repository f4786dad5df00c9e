// An engine that is killed a hundred times while pipelines in a chain and a diamond work on what two writers commit.
// PFS_SEED repeats the moments as far as a machine can, PFS_KILL_ROUNDS changes how many there are.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom, SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { iterateResults } from '../../engine/jobs/results.ts';
import { committedContents } from '../../engine/jobs/session-writer.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import type { Commit, Job } from '../../engine/server/wire.ts';
import { testImages } from '../support/docker.ts';
import { EngineHome } from '../support/engine-home.ts';
import { openTestPfs } from '../support/pfs.ts';
import { chosenSeed } from '../support/seed.ts';
import { newKey } from '../support/server.ts';

const ROUNDS = Number(process.env.PFS_KILL_ROUNDS ?? 100);
const LONGEST_ROUND_MS = 1200;
const FILES = 12;
const PIPELINES = ['upper', 'reversed', 'total', 'joined'];

type Files = Readonly<Record<string, string>>;

/** Where a round ends: after a while, or at once when the engine writes something of a kind. */
const MOMENTS = [
  'a while',
  'a while',
  'the beginning',
  'a temporary file',
  'commit.started',
  'job.claimed',
  'job.progressed',
  'job.finished',
  'commit.finished',
] as const;

const below = (random: SeededRandom, limit: number) => Math.floor(random.fraction() * limit);
const images = await testImages();

it('an engine killed a hundred times loses nothing, doubles nothing and leaves nothing', {
  skip: images.skip ?? false,
  timeout: 15 * 60_000,
}, async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const home = new EngineHome({ env: { PFS_LOG_LEVEL: 'info' } });
  t.after(() => home.remove());
  await home.start();
  const writers = ['a', 'b'].map((repo) => new Writer(home, repo, random));
  for (const writer of writers) {
    await home.json('POST', '/repos', { body: { project: 'default', name: writer.repo } });
    await writer.put(writer.change(FILES));
  }
  for (const spec of specs(images.skip === undefined ? images.busybox : '')) {
    await home.createPipeline(spec);
  }
  const kills = new Map<string, number>();
  const stop = new AbortController();
  const writing = writers.map((writer) => writer.run(stop.signal));
  for (let round = 0; round < ROUNDS; round++) {
    const moment = MOMENTS[below(random, MOMENTS.length)] ?? 'a while';
    const passed = moment === 'the beginning' ? undefined : until(home, moment, random);
    await passed;
    await home.kill();
    kills.set(moment, (kills.get(moment) ?? 0) + 1);
    const starting = home.start();
    if (MOMENTS[below(random, MOMENTS.length)] === 'the beginning') {
      await sleep(below(random, 600));
      await home.kill();
      await starting;
      kills.set('while it starts', (kills.get('while it starts') ?? 0) + 1);
      await home.start();
    } else {
      assert.ok(
        await starting,
        `the engine did not start again:\n${home.log.slice(-20).join('\n')}`,
      );
    }
  }
  t.diagnostic(`killed: ${[...kills].map(([moment, n]) => `${n} at ${moment}`).join(', ')}`);
  stop.abort();
  await Promise.all(writing);
  await settle(home);
  await checkHistory(home, { writers, t });
  await home.kill('SIGTERM');
  checkNothingLeft(home);
  await checkNoneRanTwice(home, t);
});

/** Commits to one repo, each commit once, however often the engine goes away meanwhile. */
class Writer {
  readonly repo: string;
  /** What the repo held after each commit, by the commit's id. */
  readonly states = new Map<string, Files>();
  readonly #home: EngineHome;
  readonly #random: SeededRandom;
  #files: Files = {};
  #count = 0;

  constructor(home: EngineHome, repo: string, random: SeededRandom) {
    this.#home = home;
    this.repo = repo;
    this.#random = random;
  }

  /** Contents for `count` files. Some come back, so that datums are met again. */
  change(count: number): Files {
    const names = Array.from(
      { length: count },
      (_, n) => `f${count === FILES ? n : below(this.#random, FILES)}`,
    );
    return Object.fromEntries(
      names.map((name) => [name, `${this.repo} ${name} is ${below(this.#random, 6)}\n`]),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.put(this.change(1 + below(this.#random, 3)));
      await sleep(below(this.#random, 2500), undefined, { signal }).catch(() => undefined);
    }
  }

  async put(files: Files): Promise<void> {
    const key = newKey();
    this.#count += 1;
    for (;;) {
      try {
        const { status, bytes } = await this.#home.put(this.repo, files, key);
        if (status === 200) {
          this.#files = { ...this.#files, ...files };
          const { id } = JSON.parse(bytes.toString()) as Commit;
          assert.ok(!this.states.has(id), `${this.repo}@${id} was the answer to two writes`);
          this.states.set(id, this.#files);
          return;
        }
        assert.ok(status >= 499, `the write was answered with ${status}: ${bytes}`);
      } catch (error) {
        if (error instanceof assert.AssertionError) {
          throw error;
        }
        // Nobody is there; the same write is made again once somebody is.
      }
      await sleep(30);
    }
  }
}

/** A chain (`a` → `upper` → `total`), and a diamond (`a` → `upper`, `reversed` → `joined`) with a second source `b`. */
function specs(image: string): object[] {
  const pfs = (repo: string, glob: string) => ({ pfs: { repo, glob } });
  const transform = (sh: string) => ({ image, cmd: ['sh', '-ec', sh] });
  // The run's own mark shows whether a datum ran again.
  const mark = 'mkdir /pfs/out/run; cat /proc/sys/kernel/random/uuid > /pfs/out/run/$n';
  return [
    {
      pipeline: { name: 'upper' },
      input: pfs('a', '/*'),
      transform: transform(
        `n=$(basename $a); ${mark}; mkdir /pfs/out/text; tr a-z A-Z < $a > /pfs/out/text/$n; sleep 0.12`,
      ),
      parallelism_spec: { constant: 2 },
    },
    {
      pipeline: { name: 'reversed' },
      input: pfs('a', '/*'),
      transform: transform('rev < $a > /pfs/out/$(basename $a)'),
    },
    {
      pipeline: { name: 'total' },
      input: pfs('upper', '/'),
      transform: transform('cat /pfs/upper/text/* > /pfs/out/all'),
    },
    {
      pipeline: { name: 'joined' },
      input: { cross: [pfs('upper', '/'), pfs('reversed', '/'), pfs('b', '/')] },
      transform: transform('cat /pfs/upper/text/* /pfs/reversed/* /pfs/b/* > /pfs/out/both'),
    },
  ];
}

const joinedLines = (files: Files, change: (text: string) => string): string =>
  Object.keys(files)
    .sort()
    .map((name) => change(files[name] ?? ''))
    .join('');
const upper = (text: string) => text.toUpperCase();
const reversed = (text: string) => `${[...text.trimEnd()].reverse().join('')}\n`;
const same = (text: string) => text;

/** Resolves at the moment that was drawn, or after the longest round. */
async function until(home: EngineHome, moment: string, random: SeededRandom): Promise<void> {
  const over = new AbortController();
  const limit = moment === 'a while' ? below(random, LONGEST_ROUND_MS) : LONGEST_ROUND_MS;
  const folder = join(home.home, 'store', moment === 'a temporary file' ? '.tmp' : 'journal');
  mkdirSync(folder, { recursive: true });
  let skipped = below(random, 4);
  const watcher = watch(folder, (_event, name) => {
    if (moment === 'a while' || over.signal.aborted || name === null) {
      return;
    }
    const isIt =
      moment === 'a temporary file' || readIfThere(join(folder, name)).includes(`"${moment}"`);
    if (isIt && skipped-- === 0) {
      over.abort();
    }
  });
  await sleep(limit, undefined, { signal: over.signal }).catch(() => undefined);
  watcher.close();
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Waits for every job of every commit set, as their streams tell. */
async function settle(home: EngineHome): Promise<void> {
  for (const pipeline of PIPELINES) {
    for (const { id, finished } of await home.all<Job>('/jobs')) {
      const path = `/pipelines/default/${pipeline}/jobs/${id}`;
      if (finished === null && (await home.ask('GET', path)).status === 200) {
        await home.ask('GET', `${path}/wait`);
      }
    }
  }
}

/** Every commit, of users and of pipelines, is there once, in order, and holds what a plain script computes. */
async function checkHistory(
  home: EngineHome,
  options: { writers: readonly Writer[]; t: { diagnostic(text: string): void } },
): Promise<void> {
  const list = async (repo: string) =>
    (await home.all<Commit>(`/repos/default/${repo}/commits`)).reverse();
  const states = new Map(options.writers.map(({ repo, states: of }) => [repo, of]));
  const sources = { a: await list('a'), b: await list('b') };
  for (const [repo, commits] of Object.entries(sources)) {
    const acknowledged = [...(states.get(repo)?.keys() ?? [])];
    assert.deepEqual(
      commits.map(({ id }) => id),
      acknowledged,
      `${repo} has a commit for each write, and no other`,
    );
  }
  const created = (await home.all<Commit>('/repos/default/upper.spec/commits')).length;
  assert.equal(created, 1);
  const since = (commits: readonly Commit[]) => commits.slice(1).map(({ id }) => id);
  const ofA = since(sources.a);
  const ofBoth = [...ofA, ...since(sources.b)];
  const expected = { upper: ofA, reversed: ofA, total: ofA, joined: ofBoth };
  const outputs = new Map<string, Commit>();
  for (const [pipeline, sets] of Object.entries(expected)) {
    const commits = await list(pipeline);
    const failed = commits.filter(({ state }) => state !== 'finished');
    assert.deepEqual(failed, [], `all commits of ${pipeline} are finished and good`);
    const byId = new Map(commits.map((commit) => [commit.id, commit]));
    const own = new Set<string>();
    const head = await home.json<Commit>('GET', `/repos/default/${pipeline}/commits/master`);
    for (let id: string | null = head.id; id !== null; id = byId.get(id)?.parent ?? null) {
      assert.ok(byId.has(id) && !own.has(id));
      own.add(id);
    }
    assert.equal(own.size, commits.length, `the commits of ${pipeline} are one line`);
    const missing = sets.filter((id) => !own.has(id));
    assert.deepEqual(missing, [], `${pipeline} has a commit in every set`);
    // Its own making caused a commit, and so did the making of pipelines that it reads.
    const others = commits.filter(({ id }) => !sets.includes(id));
    assert.ok(others.length <= PIPELINES.length, `${pipeline} has no other: ${others.length}`);
    for (const commit of commits) {
      outputs.set(`${pipeline}@${commit.id}`, commit);
    }
  }
  const sourceOf = (commit: Commit, repo: string): string =>
    commit.provenance.find(({ repo: { name } }) => name === repo)?.commit ?? '';
  const filesOf = (commit: Commit, repo: string): Files => {
    const files = states.get(repo)?.get(sourceOf(commit, repo));
    assert.ok(files, `${commit.repo.name}@${commit.id} reads a commit of ${repo}`);
    return files;
  };
  const marks = new Map<string, string>();
  for (const commit of outputs.values()) {
    const { repo, id } = commit;
    const through = (name: string) => outputs.get(`${name}@${sourceOf(commit, name)}`) ?? commit;
    if (repo.name === 'upper') {
      const files = filesOf(commit, 'a');
      const runs = await Promise.all(
        Object.keys(files).map(async (name) => [
          name,
          await home.read('upper', id, `/run/${name}`),
        ]),
      );
      for (const [name = '', mark = ''] of runs) {
        const datum = `${name}: ${files[name]}`;
        assert.equal(marks.get(datum) ?? mark, mark, `${datum} ran once (seen in upper@${id})`);
        marks.set(datum, mark);
      }
    } else if (repo.name === 'reversed') {
      const files = filesOf(commit, 'a');
      const [name = ''] = Object.keys(files);
      assert.equal(await home.read('reversed', id, `/${name}`), reversed(files[name] ?? ''));
    } else if (repo.name === 'total') {
      const files = filesOf(through('upper'), 'a');
      assert.equal(await home.read('total', id, '/all'), joinedLines(files, upper));
    } else {
      const [left, right] = [through('upper'), through('reversed')];
      assert.equal(sourceOf(left, 'a'), sourceOf(right, 'a'), `both sides of joined@${id} agree`);
      const files = filesOf(left, 'a');
      assert.equal(
        await home.read('joined', id, '/both'),
        joinedLines(files, upper) +
          joinedLines(files, reversed) +
          joinedLines(filesOf(commit, 'b'), same),
        `joined@${id} holds what a script makes`,
      );
    }
  }
  options.t.diagnostic(
    `${ofBoth.length} commits of users caused ${outputs.size} of pipelines; ${marks.size} datums of upper ran once each`,
  );
}

function checkNothingLeft(home: EngineHome): void {
  assert.deepEqual(home.containers(), [], 'no container is left');
  for (const folder of ['scratch/workers', 'scratch/docker']) {
    assert.deepEqual(readdirSync(join(home.home, folder)), [], `nothing is left in ${folder}`);
  }
  const files = readdirSync(home.home).sort();
  assert.deepEqual(files, ['cache', 'instance', 'scratch', 'store', 'token']);
  const cached = readdirSync(join(home.home, 'cache/files'));
  assert.deepEqual(
    cached.filter((name) => name.startsWith('fetching-')),
    [],
  );
}

/** Reads in the journal all results that were ever journaled: none may have been replaced by that of another run. */
async function checkNoneRanTwice(
  home: EngineHome,
  t: { diagnostic(text: string): void; after(close: () => Promise<void>): void },
): Promise<void> {
  const directory = join(home.home, 'store');
  const clock = new SystemClock();
  const store = await FilesystemObjectStore.open(directory, { clock, random: new SystemRandom() });
  const { context } = await openTestPfs({ store, clock, t });
  const runs = new Map<string, Set<number>>();
  let claims = 0;
  for (const name of readdirSync(join(directory, 'journal')).sort()) {
    const { transactions } = JSON.parse(readFileSync(join(directory, 'journal', name), 'utf8')) as {
      transactions: { operations: { kind: string; pipeline: string; results?: string | null }[] }[];
    };
    for (const { kind, pipeline, results } of transactions.flatMap((one) => one.operations)) {
      claims += kind === 'job.claimed' ? 1 : 0;
      const isStep = kind === 'job.progressed' || kind === 'job.finished';
      if (isStep && typeof results === 'string') {
        for await (const { hash, started } of iterateResults(committedContents(context), {
          tree: results,
        })) {
          const datum = `${pipeline} ${hash}`;
          runs.set(datum, (runs.get(datum) ?? new Set()).add(started));
        }
      }
    }
  }
  const twice = [...runs].filter(([, times]) => times.size > 1);
  assert.deepEqual(twice, [], 'a datum whose result was journaled never ran again');
  t.diagnostic(`${runs.size} results journaled, jobs claimed ${claims} times`);
}
