import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { deletePipeline, startPipeline, stopPipeline } from '../../../engine/jobs/pipelines.ts';
import { isTerminal } from '../../../engine/journal/records.ts';
import { TestEngine, type TestSpec } from '../../support/engine.ts';
import type { FakeRun } from '../../support/fake-executor.ts';
import { ACTOR } from '../../support/pfs.ts';
import { chosenSeed } from '../../support/seed.ts';

const STEPS = 60;
const all = (repo: string) => ({ pfs: { repo, glob: '/' } });

/** A diamond with a second source, and a chain below it. */
const specs: readonly TestSpec[] = [
  { name: 'left', input: 'a' },
  { name: 'right', input: 'a', glob: '/' },
  { name: 'joined', input: { cross: [all('left'), all('right'), all('b')] } },
  { name: 'last', input: 'joined' },
];

const text = (files: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(files));

it('whatever is committed, updated, stopped, started and deleted at once, each set has one good output at the end', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  engine.executor.setCode('joined', (run: FakeRun) => {
    run.write('all', ['left', 'right', 'b'].map((name) => text(run.input(name))).join());
  });
  await engine.repos('a', 'b');
  await engine.put('a', { f0: '0' });
  await engine.put('b', { f0: '0' });
  await engine.pipeline(specs);
  const stopped = new Set<string>();
  const busy = new Set<Promise<unknown>>();
  const step = async (): Promise<void> => {
    const spec = specs[below(specs.length)] ?? { name: 'left', input: 'a' };
    const { name } = spec;
    const key = `default/${name}`;
    switch (below(8)) {
      case 0:
        await engine.pipeline({ ...spec, description: String(below(9)) }, { update: true });
        return;
      case 1:
        await engine.pipeline(spec, { update: true, reprocess: true });
        return;
      case 2:
        stopped.add(name);
        await stopPipeline(context, key, ACTOR);
        return;
      case 3:
        stopped.delete(name);
        await startPipeline(context, key, ACTOR);
        return;
      case 4: {
        // Nobody reads it: it may go, and come back from nothing.
        const options = { key: 'default/last', force: false, keepRepo: false };
        const last = specs.find((one) => one.name === 'last') ?? spec;
        await deletePipeline(context, options, ACTOR);
        stopped.delete('last');
        await engine.pipeline(last);
        return;
      }
      default:
        await engine.put(below(2) === 0 ? 'a' : 'b', { [`f${below(4)}`]: String(below(5)) });
    }
  };
  for (let n = 0; n < STEPS; n++) {
    // What two do at once may be refused to one of them; nothing else may.
    const work = step().catch((error: unknown) => {
      assert.match(
        String(error),
        /not_found|already_exists|Cannot (find|create|delete|stop|start)/,
      );
    });
    busy.add(work);
    void work.finally(() => busy.delete(work));
    if (below(3) > 0) {
      await Promise.all(busy);
    }
  }
  await Promise.all(busy);
  for (const { name } of specs) {
    await startPipeline(context, `default/${name}`, ACTOR);
  }
  await engine.put('a', { done: 'yes' });
  await engine.settled();

  const { state } = context.journal;
  const open = [...state.commits.values()].filter(({ finished }) => finished === null);
  assert.deepEqual(open, [], 'no commit is left open');
  assert.deepEqual(
    [...state.jobs.values()].filter((job) => !isTerminal(job.state)),
    [],
    'no job is left',
  );
  const source = await engine.read('a');
  const [left, right, b] = [
    await engine.read('left'),
    await engine.read('right'),
    await engine.read('b'),
  ];
  assert.deepEqual([left, right], [source, source]);
  const joined = [source, source, b].map(text).join();
  assert.deepEqual(await engine.read('joined'), { all: joined });
  assert.deepEqual(await engine.read('last'), { all: joined });
  const head = await engine.commit('a');
  for (const { name } of specs) {
    const commit = await engine.commit(name);
    assert.equal(commit.id, head.id, `${name} ends with the set of the last commit`);
    assert.equal((await engine.job(name)).state, 'success');
  }
  assert.deepEqual(engine.problems, []);
});
