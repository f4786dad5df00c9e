import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../../engine/base/errors.ts';
import { deletePipeline, startPipeline } from '../../../engine/jobs/pipelines.ts';
import type { CommitRecord } from '../../../engine/journal/records.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ACTOR } from '../../support/pfs.ts';

type Test = Parameters<typeof TestEngine.start>[0];

async function withData(t: Test, options: Parameters<typeof TestEngine.start>[1] = {}) {
  const engine = await TestEngine.start(t, options);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  return engine;
}

it('jobs of a pipeline whose stop was cut off half-way are killed, and what reads them goes on', async (t) => {
  const engine = await withData(t, { idle: true });
  await engine.pipeline([
    { name: 'first', input: 'data' },
    { name: 'second', input: 'first' },
  ]);
  const { context } = engine.pfs;
  const stopped = { ...engine.record('first'), stopped: true, state: 'paused' as const };
  const operations = [{ kind: 'pipeline.put' as const, pipeline: stopped }];
  await context.journal.transact(() => ({ operations, result: null }), ACTOR);
  engine.scheduler.start();
  assert.equal((await engine.done('second')).state, 'unrunnable');
  const { state, reason } = await engine.job('first');
  assert.deepEqual([state, /stopped/.test(reason)], ['killed', true]);
  await startPipeline(context, 'default/first', ACTOR);
  assert.equal((await engine.done('second')).state, 'success');
  assert.deepEqual(engine.problems, []);
});

it('no commit stays open for ever in a repo that a deleted pipeline leaves, whatever is committed meanwhile', async (t) => {
  for (let round = 0; round < 5; round++) {
    const engine = await withData(t);
    await engine.pipeline({ name: 'copy', input: 'data' });
    const options = { key: 'default/copy', force: false, keepRepo: true };
    const puts = async () => {
      for (let n = 0; n < 8; n++) {
        await engine.put('data', { a: `${round} ${n}` });
      }
    };
    await Promise.all([deletePipeline(engine.pfs.context, options, ACTOR), puts()]);
    const open = [...engine.pfs.context.journal.state.commits.values()].filter(isOpen);
    assert.deepEqual(open, []);
    await engine.put('copy', { mine: 'now' });
    await engine.close();
  }
});

it('a job whose input was deleted fails and names it, and makes no empty output', async (t) => {
  const engine = await withData(t, { idle: true });
  await engine.repos('more');
  await engine.put('more', { x: '1' });
  const members = ['data', 'more'].map((repo) => ({ pfs: { repo, glob: '/*' } }));
  await engine.pipeline({ name: 'both', input: { union: members } });
  await deleteRepo(engine.pfs.context, { key: 'default/more', force: true }, ACTOR);
  engine.scheduler.start();
  const job = await engine.done('both');
  assert.equal(job.state, 'failure');
  assert.match(job.reason, /^what it reads was deleted: more@[0-9a-f]{32}$/);
});

it('what one worker finished is kept when another fails for want of Docker', async (t) => {
  const engine = await withData(t);
  const done = new Latch();
  let hasFailed = false;
  engine.executor.setCode('copy', async (run) => {
    if (run.env.data === '/pfs/data/a') {
      run.write('a', 'done');
      done.open();
      return;
    }
    await done.opened;
    if (!hasFailed) {
      hasFailed = true;
      // The other result is taken by then.
      await sleep(50);
      throw new EngineError('unavailable', 'Cannot run: Docker is gone');
    }
    run.write('b', 'done');
  });
  await engine.pipeline({ name: 'copy', input: 'data', parallelism_spec: { constant: 2 } });
  const job = await engine.done('copy');
  assert.deepEqual([job.state, counts(job)], ['success', '2/0/0 of 2']);
  const ran = engine.executor.runs.map(({ datum }) => datum);
  assert.equal(new Set(ran).size, 2);
  assert.ok(ran.length > 2, 'the one that failed ran again');
  const { datums } = job;
  assert.equal(datums.processed, 2);
  const times = new Map<string, number>();
  for (const datum of ran) {
    times.set(datum, (times.get(datum) ?? 0) + 1);
  }
  assert.equal(Math.min(...times.values()), 1, 'the one that was done did not');
});

it('jobs run in the order of their commits, also where an old open commit causes the newest', async (t) => {
  const engine = await withData(t);
  await engine.repos('other');
  const { context } = engine.pfs;
  const old = await startCommit(
    context,
    { repo: 'default/other', branch: 'master', description: '' },
    ACTOR,
  );
  const stuck = new Latch();
  const begun = new Latch();
  engine.executor.setCode('both', async () => {
    begun.open();
    await stuck.opened;
  });
  const members = ['data', 'other'].map((repo) => ({ pfs: { repo, glob: '/' } }));
  await engine.pipeline({ name: 'both', input: { union: members } });
  await begun.opened;
  const newer = await engine.put('data', { a: '2' });
  await finishCommit(context, { repo: 'default/other', ref: old.id }, ACTOR);
  const order: string[] = [];
  context.journal.subscribe(({ transactions }) => {
    for (const { operations } of transactions) {
      for (const operation of operations) {
        if ((operation as { kind: string }).kind === 'job.finished') {
          order.push((operation as unknown as { job: string }).job);
        }
      }
    }
  });
  stuck.open();
  const last = await engine.done('both');
  assert.ok(old.id < newer.id);
  assert.deepEqual(order.slice(-2), [newer.id, old.id]);
  assert.equal(last.id, old.id);
  assert.equal(engine.record('both').lastJob?.id, old.id);
});

it('an update from every_job to until_success leaves no file of a run that was cut off', async (t) => {
  const engine = await withData(t);
  let run = 0;
  engine.executor.setCode('copy', (code) => {
    run += 1;
    code.write(`${String(code.env.data).slice(10)}-${run}`, '');
    return run === 4 ? 1 : undefined;
  });
  const spec = { name: 'copy', input: 'data', datum_tries: 1 };
  await engine.pipeline({ ...spec, reprocess_spec: 'every_job' });
  await engine.settled();
  await engine.put('data', { b: '1' });
  assert.equal((await engine.done('copy')).state, 'failure');
  await engine.pipeline(spec, { update: true });
  await engine.settled();
  await engine.remove('data', 'a');
  assert.equal((await engine.done('copy')).state, 'success');
  const names = Object.keys(await engine.read('copy'));
  assert.deepEqual(
    names.filter((name) => name.startsWith('a')),
    [],
  );
});

function isOpen({ finished }: CommitRecord): boolean {
  return finished === null;
}
