// Twenty pipelines in chains, diamonds and joins, whose sources change at random while the engine, its containers and what runs in
// them are killed at random, and the store is compacted and collected: at the end every output of history is what a plain
// script computes. PFS_SOAK_MINUTES makes it longer (an hour is worth it before a release), PFS_SEED repeats its choices.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { SeededRandom } from '../../engine/base/random.ts';
import { decodeFrames } from '../../engine/server/frames.ts';
import type { Commit } from '../../engine/server/wire.ts';
import { checkout, runProgram } from '../support/cli.ts';
import { testImages } from '../support/docker.ts';
import { EngineHome } from '../support/engine-home.ts';
import { chosenSeed } from '../support/seed.ts';
import { computeAll, drawPipelines, type Files, type ModelPipeline } from './soak/model.ts';
import { Source } from './soak/source.ts';
import { Trouble } from './soak/trouble.ts';

const MINUTES = Number(process.env.PFS_SOAK_MINUTES ?? 0.5);
const PIPELINES = 20;
const SOURCES = ['s0', 's1', 's2', 's3'];
/** So many commit sets are on their way at once. */
const AHEAD = 4;
const images = await testImages();

it('random changes to twenty pipelines, while all of it is killed at random, give what a plain script computes', {
  skip: images.skip ?? false,
  timeout: (2 * MINUTES + 15) * 60_000,
}, async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`seed: PFS_SEED=${seed}, minutes: ${MINUTES}`);
  const random = new SeededRandom(seed);
  const image = images.skip === undefined ? images.busybox : '';
  const pipelines = drawPipelines(random, { sources: SOURCES, count: PIPELINES, image });
  const home = new EngineHome({
    env: { PFS_GRACE_MS: '10000', PFS_COLLECT_EVERY_MS: '15000', PFS_WORKER_IDLE_MS: '5000' },
  });
  t.after(() => home.remove());
  await home.start();
  const sources = SOURCES.map((repo) => new Source(home, repo, random));
  for (const source of sources) {
    await home.json('POST', '/repos', { body: { project: 'default', name: source.repo } });
    await source.change();
  }
  for (const { spec } of pipelines) {
    await home.createPipeline(spec);
  }
  const trouble = new Trouble(home, new SeededRandom(seed + 1));
  const over = new AbortController();
  const troubled = trouble.run(over.signal);
  const until = performance.now() + MINUTES * 60_000;
  const sets: string[] = [];
  while (performance.now() < until) {
    const source = sources[Math.floor(random.fraction() * sources.length)];
    sets.push((await source?.change()) ?? '');
    await Promise.race([settled(home, sets.at(-AHEAD) ?? ''), troubled]);
  }
  over.abort();
  await troubled;
  for (const set of sets.slice(-AHEAD)) {
    await settled(home, set);
  }
  t.diagnostic([...trouble.counts].map(([kind, count]) => `${count} ${kind}`).join(', '));
  const world = new World(home, { pipelines, sources });
  await world.checkSources();
  await world.checkHeads();
  t.diagnostic(`${sets.length} commits of users caused ${await world.checkHistory()} outputs`);
  await checkStore(home);
  await home.kill('SIGTERM');
  assert.deepEqual(home.containers(), [], 'no container is left');
  for (const folder of ['scratch/workers', 'scratch/docker']) {
    assert.deepEqual(readdirSync(join(home.home, folder)), [], `nothing is left in ${folder}`);
  }
});

/** Waits for all commits of a set, whatever happens to the engine meanwhile. */
async function settled(home: EngineHome, set: string): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    await home.ask('GET', `/commit-sets/${set}/wait?all=true`);
    const { status, bytes } = await home.ask('GET', `/commit-sets/${set}?all=true&limit=1000`);
    const { items = [] } = JSON.parse(bytes.toString()) as { items?: readonly Commit[] };
    return status === 200 && items.every(({ state }) => state !== 'open');
  };
  while (set !== '' && !(await isDone().catch(() => false))) {
    // The stream was cut off: the engine was killed. Whoever killed it starts it again.
  }
}

/** What is in the store, beside what should be. */
class World {
  readonly #home: EngineHome;
  readonly #pipelines: readonly ModelPipeline[];
  readonly #sources: readonly Source[];
  readonly #outputs = new Map<string, Commit>();
  readonly #expected = new Map<string, Files>();

  constructor(
    home: EngineHome,
    parts: { pipelines: readonly ModelPipeline[]; sources: readonly Source[] },
  ) {
    this.#home = home;
    this.#pipelines = parts.pipelines;
    this.#sources = parts.sources;
  }

  async checkSources(): Promise<void> {
    for (const { repo, states } of this.#sources) {
      const commits = (await this.#list(repo)).reverse().map(({ id }) => id);
      assert.deepEqual(commits, [...states.keys()], `${repo} has a commit for each write, once`);
    }
  }

  async checkHeads(): Promise<void> {
    const files = new Map(this.#sources.map((source) => [source.repo, source.files]));
    for (const [repo, expected] of computeAll(this.#pipelines, files)) {
      assert.deepEqual(await this.#read(repo, 'master'), sorted(expected), `the head of ${repo}`);
    }
  }

  /** Checks every output commit against the commits that it says it was made from; returns how many there are. */
  async checkHistory(): Promise<number> {
    for (const { name } of this.#pipelines) {
      for (const commit of await this.#list(name)) {
        assert.equal(commit.state, 'finished', `${name}@${commit.id}: ${commit.error}`);
        this.#outputs.set(`${name}@${commit.id}`, commit);
      }
    }
    for (const pipeline of this.#pipelines) {
      for (const { id, repo } of this.#outputs.values()) {
        if (repo.name === pipeline.name) {
          const expected = this.#expect(repo.name, id);
          const found = await this.#read(repo.name, id);
          assert.deepEqual(found, sorted(expected), `${pipeline.kind} ${repo.name}@${id}`);
        }
      }
    }
    return this.#outputs.size;
  }

  #expect(repo: string, id: string): Files {
    const pipeline = this.#pipelines.find(({ name }) => name === repo);
    const key = `${repo}@${id}`;
    const known =
      this.#expected.get(key) ?? this.#sources.find((one) => one.repo === repo)?.states.get(id);
    const commit = this.#outputs.get(key);
    if (known || pipeline === undefined) {
      assert.ok(known, `${key} is a commit that was acknowledged`);
      return known;
    }
    const inputs = pipeline.inputs.map((input) => {
      const from = commit?.provenance.find((link) => link.repo.name === input);
      return from === undefined ? new Map<string, string>() : this.#expect(input, from.commit);
    });
    const files = pipeline.compute(inputs);
    this.#expected.set(key, files);
    return files;
  }

  async #list(repo: string): Promise<Commit[]> {
    return await this.#home.all<Commit>(`/repos/default/${repo}/commits`);
  }

  async #read(repo: string, ref: string): Promise<readonly (readonly [string, string])[]> {
    const path = `/repos/default/${repo}/files/${ref}/frames?path=/`;
    const { status, bytes } = await this.#home.ask('GET', path);
    assert.equal(status, 200, `${repo}@${ref} was answered with ${status}: ${bytes}`);
    const files = new Map<string, string>();
    const stream = (async function* () {
      yield bytes;
    })();
    for await (const parts of decodeFrames(stream)) {
      for (const part of parts) {
        files.set(part.path, (files.get(part.path) ?? '') + part.data);
      }
    }
    return sorted(files);
  }
}

function sorted(files: Files): readonly (readonly [string, string])[] {
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function checkStore(home: EngineHome): Promise<void> {
  const { code, stdout, stderr } = await runProgram(
    process.execPath,
    [join(checkout, 'bin/pfs'), 'fsck', '--data'],
    { env: { PFS_HOME: home.home } },
  );
  assert.equal(code, 0, `${stdout}\n${stderr}`);
}
