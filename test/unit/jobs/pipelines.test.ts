import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { endJob } from '../../../engine/jobs/job-end.ts';
import { keptWarning } from '../../../engine/jobs/kept-results.ts';
import { deletePipeline, startPipeline, stopPipeline } from '../../../engine/jobs/pipelines.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ACTOR } from '../../support/pfs.ts';

async function withData(t: Parameters<typeof TestEngine.start>[0]): Promise<TestEngine> {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  return engine;
}

it('an update keeps what was processed unless it is told to reprocess', async (t) => {
  const engine = await withData(t);
  const spec = { name: 'copy', input: 'data' };
  await engine.pipeline(spec);
  await engine.settled();
  const [put] = await engine.pipeline({ ...spec, description: 'new' }, { update: true });
  assert.deepEqual([put?.pipeline.version, put?.created], [2, false]);
  assert.equal(counts(await engine.done('copy')), '0/2/0 of 2');
  await engine.pipeline(spec, { update: true, reprocess: true });
  assert.equal(counts(await engine.done('copy')), '2/0/0 of 2');
  assert.deepEqual(await engine.read('copy'), { a: '1', b: '1' });
});

it('an update with other code says for how many datums it keeps results, others say nothing', async (t) => {
  const engine = await withData(t);
  const { context } = engine.pfs;
  const spec = { name: 'copy', input: 'data' };
  const update = async (transform: object, reprocess = false) => {
    await engine.settled();
    const [put] = await engine.pipeline(
      { ...spec, transform: { ...transform } },
      { update: true, reprocess },
    );
    return put && (await keptWarning(context, put.pipeline));
  };
  await engine.pipeline(spec);
  assert.equal(await update({}), undefined, 'the same code');
  assert.match(String(await update({ cmd: ['other'] })), /^copy: .*up to 2 datums.*--reprocess/);
  assert.equal(await update({ cmd: ['third'] }, true), undefined, 'all is made anew');
});

it('an update may read something else: what came of the old input goes', async (t) => {
  const engine = await withData(t);
  await engine.repos('other');
  await engine.put('other', { x: '1' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  await engine.pipeline({ name: 'copy', input: 'other' }, { update: true });
  assert.equal(counts(await engine.done('copy')), '1/0/0 of 1');
  assert.deepEqual(await engine.read('copy'), { x: '1' });
  const before = await engine.commit('copy');
  await engine.put('data', { c: '1' });
  assert.equal((await engine.commit('copy')).id, before.id, 'the old input causes nothing');
});

it('an update may match otherwise', async (t) => {
  const engine = await withData(t);
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  await engine.pipeline({ name: 'copy', input: 'data', glob: '/a' }, { update: true });
  assert.equal(counts(await engine.done('copy')), '0/1/0 of 1');
  assert.deepEqual(await engine.read('copy'), { a: '1' });
  await engine.pipeline({ name: 'copy', input: 'data', glob: '/' }, { update: true });
  assert.equal(counts(await engine.done('copy')), '1/0/0 of 1');
  assert.deepEqual(await engine.read('copy'), { a: '1', b: '1' });
});

it('an update may write to another branch: the old one keeps its head', async (t) => {
  const engine = await withData(t);
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  const old = await engine.commit('copy@master');
  await engine.pipeline({ name: 'copy', input: 'data', output_branch: 'v2' }, { update: true });
  await engine.put('data', { c: '1' });
  await engine.settled();
  assert.deepEqual(await engine.read('copy@v2'), { a: '1', b: '1', c: '1' });
  assert.equal((await engine.commit('copy@master')).id, old.id);
});

it('a job that runs is killed by an update, and the new version runs', async (t) => {
  const engine = await withData(t);
  const begun = new Latch();
  engine.executor.setCode('copy', (run) => {
    begun.open();
    return run.env.PFS_PIPELINE_VERSION === '1' ? run.hang() : 0;
  });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await begun.opened;
  const { id } = await engine.job('copy');
  await engine.pipeline({ name: 'copy', input: 'data' }, { update: true });
  assert.equal((await engine.done('copy')).state, 'success');
  const old = await engine.job(`copy@${id}`);
  assert.deepEqual([old.state, /updated/.test(old.reason)], ['killed', true]);
});

it('commits made while a pipeline is stopped are one job when it starts', async (t) => {
  const engine = await withData(t);
  const { context } = engine.pfs;
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  await stopPipeline(context, 'default/copy', ACTOR);
  assert.deepEqual([engine.record('copy').state, engine.record('copy').stopped], ['paused', true]);
  for (const name of ['c', 'd', 'e']) {
    await engine.put('data', { [name]: '1' });
  }
  assert.equal((await engine.commit('copy')).depth, 0);
  await startPipeline(context, 'default/copy', ACTOR);
  const job = await engine.done('copy');
  assert.equal(counts(job), '3/2/0 of 5');
  assert.equal((await engine.commit('copy')).depth, 1);
  assert.equal(engine.record('copy').state, 'running');
});

it('stopping a pipeline kills its job and leaves no worker', async (t) => {
  const engine = await withData(t);
  const begun = new Latch();
  engine.executor.setCode('slow', (run) => {
    begun.open();
    return run.hang();
  });
  await engine.pipeline({ name: 'slow', input: 'data' });
  await begun.opened;
  await stopPipeline(engine.pfs.context, 'default/slow', ACTOR);
  await engine.pool.release('default/slow');
  const job = await engine.done('slow');
  assert.deepEqual([job.state, /stopped/.test(job.reason)], ['killed', true]);
  assert.equal(engine.executor.alive.size, 0);
});

it('a stopped job is killed, and the next one runs on the same workers', async (t) => {
  const engine = await withData(t);
  const begun = new Latch();
  engine.executor.setCode('copy', (run) => {
    begun.open();
    return run.env.data === '/pfs/data/a' ? run.hang() : run.write(String(run.env.data), '');
  });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await begun.opened;
  const { id } = await engine.job('copy');
  await engine.remove('data', 'a');
  const end = { state: 'killed' as const, reason: 'stopped by a user' };
  await endJob(engine.pfs.context, { pipeline: 'default/copy', job: id, end }, 'test');
  const next = await engine.done('copy');
  assert.deepEqual([next.state, counts(next)], ['success', '1/0/0 of 1']);
  assert.equal((await engine.job(`copy@${id}`)).state, 'killed');
  assert.deepEqual(engine.problems, []);
});

it('a pipeline that others read is deleted only by force, and they are left without it', async (t) => {
  const engine = await withData(t);
  const { context } = engine.pfs;
  await engine.pipeline([
    { name: 'first', input: 'data' },
    { name: 'second', input: 'first' },
  ]);
  await engine.settled();
  const options = { key: 'default/first', force: false, keepRepo: false };
  await assert.rejects(deletePipeline(context, options, ACTOR), /read by "second".*--force/);
  await deletePipeline(context, { ...options, force: true }, ACTOR);
  const { repos, pipelines, jobs } = context.journal.state;
  assert.deepEqual([...pipelines.keys()], ['default/second']);
  assert.deepEqual(
    [...repos.keys()].filter((key) => key.startsWith('default/first')),
    [],
  );
  assert.deepEqual(
    [...jobs.values()].filter(({ pipeline }) => pipeline === 'default/first'),
    [],
  );
  assert.deepEqual(await engine.read('second'), { a: '1', b: '1' });
});

it('deleting a pipeline with --keep-repo leaves its output as a plain repo', async (t) => {
  const engine = await withData(t);
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  const options = { key: 'default/copy', force: false, keepRepo: true };
  await deletePipeline(engine.pfs.context, options, ACTOR);
  assert.deepEqual(await engine.read('copy'), { a: '1', b: '1' });
  await engine.put('copy', { mine: 'now' });
  assert.deepEqual(await engine.read('copy'), { a: '1', b: '1', mine: 'now' });
});

it('a pipeline made again under its old name starts from nothing', async (t) => {
  const engine = await withData(t);
  const options = { key: 'default/copy', force: false, keepRepo: false };
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  await deletePipeline(engine.pfs.context, options, ACTOR);
  await engine.pipeline({ name: 'copy', input: 'data' });
  const job = await engine.done('copy');
  assert.deepEqual([job.version, counts(job)], [1, '2/0/0 of 2']);
  assert.equal((await engine.commit('copy')).depth, 0);
});

it('an input commit that is open is ignored until it is finished', async (t) => {
  const engine = await withData(t);
  const { context } = engine.pfs;
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  const start = { repo: 'default/data', branch: 'master', description: '' };
  const { id } = await startCommit(context, start, ACTOR);
  await engine.put('data', { c: '1' });
  assert.equal((await engine.commit('copy')).depth, 0);
  await engine.pipeline({ name: 'late', input: 'data' });
  assert.equal(counts(await engine.done('late')), '2/0/0 of 2', 'the open commit is not read');
  const finish = { repo: 'default/data', ref: 'master', description: '' };
  await finishCommit(context, finish, ACTOR);
  await engine.settled();
  assert.deepEqual(await engine.read(`copy@${id}`), { a: '1', b: '1', c: '1' });
  assert.deepEqual(await engine.read('late'), { a: '1', b: '1', c: '1' });
});

it('a chain and a diamond make exactly one output commit per branch and commit set', async (t) => {
  const engine = await withData(t);
  const both = {
    cross: [{ pfs: { repo: 'left', glob: '/' } }, { pfs: { repo: 'right', glob: '/' } }],
  };
  const names = ['top', 'left', 'right', 'bottom'];
  await engine.pipeline([
    { name: 'bottom', input: both, transform: { cmd: ['true'] } },
    { name: 'left', input: 'top' },
    { name: 'right', input: 'top' },
    { name: 'top', input: 'data' },
  ]);
  engine.executor.setCode('bottom', (run) => {
    run.write('all', JSON.stringify([run.input('left'), run.input('right')]));
  });
  for (const text of ['2', '3', '4']) {
    const { id } = await engine.put('data', { a: text });
    await engine.settled();
    for (const name of names) {
      assert.equal((await engine.commit(name)).id, id, name);
    }
    const files = { a: text, b: '1' };
    assert.deepEqual(await engine.read('bottom'), { all: JSON.stringify([files, files]) });
  }
  const depths = await Promise.all(names.map(async (name) => (await engine.commit(name)).depth));
  assert.deepEqual(new Set(depths).size, 1, 'every branch has as many commits as the first');
  const { jobs } = engine.pfs.context.journal.state;
  for (const name of names) {
    const made = [...jobs.values()].filter(({ pipeline }) => pipeline === `default/${name}`);
    assert.equal(made.length, (depths[0] ?? 0) + 1, `${name} had one job per commit`);
    assert.deepEqual(new Set(made.map(({ state }) => state)), new Set(['success']));
  }
});

it('a batch with one wrong spec leaves nothing behind', async (t) => {
  const engine = await withData(t);
  const { state, seq } = engine.pfs.context.journal;
  const before = [state.repos.size, state.commits.size, seq];
  await assert.rejects(
    engine.pipeline([
      { name: 'good', input: 'data' },
      { name: 'lost', input: 'nowhere' },
    ]),
    /nowhere/,
  );
  assert.deepEqual([state.repos.size, state.commits.size, engine.pfs.context.journal.seq], before);
});

/** Returns how often the state was looked at while something was done. */
function lookCounter(t: TestContext, engine: TestEngine) {
  const { pipelines, branches } = engine.pfs.context.journal.state;
  let looks = 0;
  for (const table of [pipelines, branches]) {
    const { get, values } = { get: table.get.bind(table), values: table.values.bind(table) };
    t.mock.method(table, 'get', (key: string) => {
      looks += 1;
      return get(key);
    });
    t.mock.method(table, 'values', function* () {
      for (const value of values()) {
        looks += 1;
        yield value;
      }
    });
  }
  return async (act: () => Promise<unknown>): Promise<number> => {
    looks = 0;
    await act();
    return looks;
  };
}

it('a pipeline is made by looking at as much of the state among many as among few', async (t) => {
  const engine = await TestEngine.start(t, { idle: true });
  await engine.repos('data');
  const looks = lookCounter(t, engine);
  const cost = (name: string) => looks(() => engine.pipeline({ name, input: 'data' }));
  await cost('first');
  const few = await cost('few');
  for (let n = 0; n < 100; n++) {
    await engine.pipeline({ name: `p${n}`, input: 'data' });
  }
  const many = await cost('many');
  assert.ok(many < few + 10, `looked at ${few} records among few, at ${many} among many`);
});

it('pipelines that are made together cost as much each as few that are', async (t) => {
  const engine = await TestEngine.start(t, { idle: true });
  await engine.repos('data');
  const looks = lookCounter(t, engine);
  const cost = async (name: string, count: number) => {
    const specs = Array.from({ length: count }, (_, n) => ({ name: `${name}${n}`, input: 'data' }));
    return (await looks(() => engine.pipeline(specs))) / count;
  };
  const few = await cost('few', 5);
  const many = await cost('many', 50);
  assert.ok(many < 2 * few, `looked at ${few} records for each of few, at ${many} of many`);
});
