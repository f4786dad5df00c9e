// Two engines, clients that retry, and a store that fails as networks do: what was acknowledged must be there, once.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ByteBudget } from '../../engine/base/byte-budget.ts';
import { EngineError, isEngineError } from '../../engine/base/errors.ts';
import { IdMaker } from '../../engine/base/ids.ts';
import { type Random, SeededRandom } from '../../engine/base/random.ts';
import { type CommitRecord, commitKey } from '../../engine/journal/records.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import type { ObjectStore, PutOptions } from '../../engine/object/object-store.ts';
import { RetryingObjectStore } from '../../engine/object/retrying.ts';
import { putBranch } from '../../engine/pfs/branches.ts';
import { deleteFiles } from '../../engine/pfs/change-files.ts';
import { listCommits } from '../../engine/pfs/commit-list.ts';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import { finishCommit, startCommit } from '../../engine/pfs/commits.ts';
import { answerOnce, type Request } from '../../engine/pfs/context.ts';
import { openPfs } from '../../engine/pfs/open.ts';
import { createRepo } from '../../engine/pfs/repos.ts';
import { CuttableStore } from '../support/cuttable-store.ts';
import { FaultyObjectStore } from '../support/faulty-object-store.ts';
import { InstantClock } from '../support/instant-clock.ts';
import { type Contents, type Pfs, put, readBytes, target } from '../support/pfs.ts';
import { chosenSeed } from '../support/seed.ts';

/** Wall clocks tell whole milliseconds. */
class WallClock extends InstantClock {
  override now(): number {
    return Math.floor(super.now());
  }
}

const CLIENTS = 6;
const ROUNDS = 60;
const REPOS = ['a', 'b'];
const BRANCHES = ['master', 'dev'];
const PATHS = ['f', 'd/f', 'd/e/f', 'x/y', 'x/z', 'large'];

/** Also loses track of puts: they fail, and land later. */
class LateObjectStore extends FaultyObjectStore {
  readonly #inner: ObjectStore;
  readonly #random: Random;
  late = 0;
  readonly underway = new Set<Promise<void>>();

  constructor(store: ObjectStore, random: Random) {
    super(store, { random, faults: { before: 0.08, after: 0.08, cut: 0.02, delay: 0.3 } });
    this.#inner = store;
    this.#random = random;
  }

  override put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<void> {
    if (this.#random.fraction() >= 0.05) {
      return super.put(key, bytes, options);
    }
    this.late += 1;
    const copy = Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes);
    const landing = (async () => {
      for (let turns = Math.floor(this.#random.fraction() * 200); turns > 0; turns--) {
        await new Promise(setImmediate);
      }
      await this.#inner.put(key, copy, options).catch(() => undefined);
    })();
    this.underway.add(landing);
    return Promise.reject(new EngineError('unavailable', 'Cannot put: made to land later'));
  }
}

interface Engine extends Pfs {
  readonly killed: Promise<never>;
  kill(): void;
}

/** What a client asked for, and what it was told. */
interface Asked {
  readonly id: string;
  readonly repo: string;
  readonly edits: readonly ModelEdit[];
  answer?: { readonly commit?: string };
  refusal?: EngineError;
}

type ModelEdit = { readonly put: Contents } | { readonly remove: string };

type Files = ReadonlyMap<string, string>;

const HANDS_OFF = new EngineError('unavailable', 'Cannot answer: the engine was killed');

async function openEngine(store: ObjectStore, random: Random, number: number): Promise<Engine> {
  // Their clocks are minutes apart, and run as fast as somebody sleeps.
  const clock = new WallClock(1_700_000_000_000 + number * 300_000);
  const cuttable = new CuttableStore(store);
  const budget = new ByteBudget(8 * 1024 * 1024);
  const context = await openPfs({
    store: new RetryingObjectStore(cuttable, {
      clock,
      random,
      policy: { tries: 3, firstDelayMs: 10, maxDelayMs: 100 },
    }),
    clock,
    random,
    ids: new IdMaker(clock, random),
    budget,
    engine: `engine-${number}`,
    snapshots: { entries: 20 },
  });
  let kill: () => void = () => undefined;
  const killed = new Promise<never>((_resolve, reject) => {
    kill = () => {
      cuttable.cut();
      reject(HANDS_OFF);
    };
  });
  killed.catch(() => undefined);
  return { store, budget, context, queue: new CommitQueue(context), killed, kill };
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random.fraction() * list.length)] as T;
}

function someFiles(random: Random): Contents {
  const files: Record<string, string> = {};
  for (let count = 1 + Math.floor(random.fraction() * 3); count > 0; count--) {
    const path = pick(random, PATHS);
    // Few different contents, so that much is stored already.
    const text = `content ${Math.floor(random.fraction() * 40)} `;
    files[path] = path === 'large' ? text.repeat(100_000) : text;
  }
  return files;
}

function applied(files: Files, edits: readonly ModelEdit[]): Files {
  const result = new Map(files);
  for (const edit of edits) {
    if ('put' in edit) {
      for (const [path, data] of Object.entries(edit.put)) {
        result.set(path, String(data));
      }
    } else {
      for (const path of [...result.keys()]) {
        if (path === edit.remove || path.startsWith(`${edit.remove}/`)) {
          result.delete(path);
        }
      }
    }
  }
  return result;
}

it('keeps every acknowledged commit, once, with two engines on a store that fails', {
  timeout: 60_000,
}, async () => {
  const seed = chosenSeed();
  console.log(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const memory = new MemoryObjectStore();
  const faulty = new LateObjectStore(memory, random);
  const asked: Asked[] = [];
  let opened = 2;
  const first = await openEngine(memory, random, 0);
  for (const name of [...REPOS, 'out']) {
    await createRepo(first.context, { key: `default/${name}`, description: '' }, { actor: 'test' });
  }
  await first.context.journal.transact(
    () => ({
      operations: [
        {
          kind: 'branch.put' as const,
          branch: {
            repo: 'default/out',
            name: 'master',
            head: null,
            provenance: [{ repo: 'default/b', branch: 'master' }],
            created: 0,
          },
        },
      ],
      result: null,
    }),
    { actor: 'test' },
  );
  await first.context.journal.close();
  const open = async (store: ObjectStore, number: number) => {
    for (;;) {
      try {
        return await openEngine(store, random, number);
      } catch (error) {
        assert.ok(isEngineError(error, 'unavailable'), String(error));
      }
    }
  };
  const engines = [await open(faulty, 0), await open(faulty, 1)];

  /** Asks until there is an answer, of whichever engine, always under one id. */
  async function ask<T extends { readonly id?: string }>(
    what: Pick<Asked, 'repo' | 'edits'>,
    work: (engine: Engine, request: Request) => Promise<T>,
  ): Promise<T | undefined> {
    const id = random.bytes(16).toString('hex');
    const one: Asked = { id, ...what };
    asked.push(one);
    const request = { actor: 'test', id };
    for (let isUnknown = false; ; ) {
      const engine = pick(random, engines);
      try {
        const answer = await Promise.race([
          answerOnce(engine.context, request, () => work(engine, request)),
          engine.killed,
        ]);
        one.answer = answer.id === undefined ? {} : { commit: answer.id };
        return answer;
      } catch (error) {
        if (isEngineError(error, 'unavailable')) {
          isUnknown = true;
        } else if (isUnknown) {
          // Refused while what was tried before may yet land: certain only once it has.
          isUnknown = false;
          await Promise.all(faulty.underway);
        } else {
          assert.ok(error instanceof EngineError, String((error as Error).stack));
          assert.ok(!['internal', 'corrupt'].includes(error.code), String(error.stack));
          one.refusal = error;
          return undefined;
        }
      }
    }
  }

  async function client(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const repo = pick(random, REPOS);
      const branch = pick(random, BRANCHES);
      const to = `${repo}@${branch}`;
      const dice = random.fraction();
      if (dice < 0.6) {
        const files = someFiles(random);
        const own = random.fraction() < 0.5;
        await ask({ repo, edits: [{ put: files }] }, (pfs, { id = '' }) =>
          put(pfs, to, files, { id, own }),
        );
      } else if (dice < 0.75) {
        const path = pick(random, ['d', 'd/e', 'x/y', 'large']);
        await ask({ repo, edits: [{ remove: path }] }, (pfs, request) =>
          deleteFiles(pfs.context, pfs.queue, { target: target(to), paths: [path], request }),
        );
      } else if (dice < 0.88) {
        const mine = asked.filter((one) => one.repo === repo);
        const head = mine.length === 0 ? undefined : pick(random, mine).answer?.commit;
        if (head) {
          await ask({ repo, edits: [] }, async (pfs, request) => {
            await putBranch(pfs.context, { repo: `default/${repo}`, branch, head }, request);
            return {};
          });
        }
      } else {
        const on = { repo: `default/${repo}`, branch, description: '' };
        const started = await ask({ repo, edits: [] }, (pfs, request) =>
          startCommit(pfs.context, on, request),
        );
        for (let puts = started ? random.fraction() * 3 : 0; puts > 1; puts--) {
          const files = someFiles(random);
          await ask({ repo, edits: [{ put: files }] }, (pfs, { id = '' }) =>
            put(pfs, to, files, { id }),
          );
        }
        if (started) {
          await ask({ repo, edits: [] }, (pfs, request) =>
            finishCommit(pfs.context, { repo: started.repo, ref: started.id }, request),
          );
        }
      }
      if (random.fraction() < 0.04) {
        const slot = Math.floor(random.fraction() * 2);
        const old = engines[slot];
        opened += 1;
        engines[slot] = await open(faulty, opened);
        old?.kill();
      }
      if (random.fraction() < 0.2) {
        const { context, killed } = pick(random, engines);
        await Promise.race([context.journal.sync(), killed]).catch(() => undefined);
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await Promise.all(faulty.underway);
  const fresh = await openEngine(memory, random, 100);
  for (const { context } of engines) {
    for (;;) {
      try {
        await context.journal.sync();
        break;
      } catch (error) {
        assert.ok(isEngineError(error, 'unavailable'), String(error));
      }
    }
  }

  // What the log says was done on whose behalf.
  const byId = new Map(asked.map((one) => [one.id, one]));
  const done = new Set<string>();
  const edits = new Map<string, ModelEdit[]>();
  for await (const { transactions } of fresh.context.journal.entries(1)) {
    for (const { request, result } of transactions) {
      const one = request === undefined ? undefined : byId.get(request);
      if (request !== undefined && one) {
        assert.ok(!done.has(request), `request ${request} was done twice`);
        done.add(request);
        const commit = (result as { id?: string }).id;
        assert.equal(one.refusal, undefined, `done, and refused: ${one.refusal?.message}`);
        assert.equal(one.answer?.commit, commit);
        edits.set(commit ?? '', [...(edits.get(commit ?? '') ?? []), ...one.edits]);
      }
    }
  }
  for (const one of asked) {
    assert.equal(done.has(one.id), one.answer !== undefined, `${one.id} was acknowledged and lost`);
  }

  // Every commit holds what its parent holds and what was put into it.
  const model = new Map<string, Files>();
  let commits = 0;
  const made: CommitRecord[] = [];
  for (const repo of REPOS) {
    for await (const commit of listCommits(fresh.context, `default/${repo}`)) {
      made.push(commit);
    }
  }
  const records = new Map(made.map((commit) => [commitKey(commit.repo, commit.id), commit]));
  const filesOf = ({ repo, id, parent }: CommitRecord): Files => {
    const key = commitKey(repo, id);
    let files = model.get(key);
    if (files === undefined) {
      const above = parent === null ? undefined : records.get(commitKey(repo, parent));
      assert.equal(above === undefined, parent === null);
      files = applied(above ? filesOf(above) : new Map(), edits.get(id) ?? []);
      model.set(key, files);
    }
    return files;
  };
  for (const commit of made) {
    commits += 1;
    assert.ok(edits.has(commit.id), `commit ${commit.id} was made for nobody`);
    const name = commit.repo.replace('default/', '');
    const stored = await readBytes(fresh, `${name}@${commit.id}`);
    const texts = new Map([...stored].map(([path, { bytes }]) => [path, bytes.toString()]));
    const sorted = (files: Files) => [...files].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(texts), sorted(filesOf(commit)));
    for (const { context } of [...engines, fresh]) {
      const found = context.journal.state.commits.get(commitKey(commit.repo, commit.id));
      assert.deepEqual(found ?? commit, commit);
    }
  }
  for (const id of edits.keys()) {
    assert.ok(id === '' || made.some((commit) => commit.id === id), `commit ${id} is lost`);
  }
  // What a finished commit causes is there, made in the same breath.
  for (const commit of made) {
    if (commit.repo === 'default/b' && commit.branch === 'master' && commit.finished !== null) {
      assert.ok(fresh.context.journal.state.commits.has(commitKey('default/out', commit.id)));
    }
  }
  const tables = ({ context }: Pfs) => {
    const { repos, branches, packs, jobs } = context.journal.state;
    return [repos, branches, packs, jobs].map((table) => [...table.entries()]);
  };
  for (const engine of engines) {
    assert.deepEqual(tables(engine), tables(fresh));
    // All memory was given back, by whichever path a write ended.
    const release = await engine.budget.acquire(8 * 1024 * 1024);
    release();
  }
  assert.ok(commits > 25 && faulty.faults > 50 && faulty.late > 5);
  console.log(
    `${commits} commits of ${asked.length} requests, ${faulty.faults + faulty.late} faults`,
  );
});
