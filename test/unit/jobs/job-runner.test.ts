import assert from 'node:assert/strict';
import { it } from 'node:test';
import { metaRepo } from '../../../engine/journal/records.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import type { FakeRun } from '../../support/fake-executor.ts';
import { Latch } from '../../support/latch.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const pfs = (repo: string, more: Record<string, string> = {}) => ({
  pfs: { repo, glob: '/*', ...more },
});

/** Ends badly on every datum whose input `data` says bad. */
function failOnBad(run: FakeRun): number {
  for (const [path, text] of Object.entries(run.input('data'))) {
    if (text.startsWith('bad')) {
      return 3;
    }
    run.write(path, text);
  }
  return 0;
}

it('a new pipeline runs one job on the current heads only', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'one' });
  await engine.put('data', { b: 'two' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  const job = await engine.done('copy');
  assert.deepEqual([job.state, counts(job)], ['success', '2/0/0 of 2']);
  assert.deepEqual(await engine.read('copy'), { a: 'one', b: 'two' });
  assert.equal((await engine.commit('copy')).depth, 0);
  assert.deepEqual(engine.problems, []);
});

it('only new datums run, and what changed or vanished ones wrote is removed', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  engine.executor.setCode('copy', (run) => {
    for (const [path, text] of Object.entries(run.input('data'))) {
      run.write(`${path}-${text}`, text);
    }
  });
  await engine.put('data', { a: '1', b: '1', c: '1' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.put('data', { b: '2', d: '1' });
  assert.equal(counts(await engine.done('copy')), '2/2/0 of 4');
  assert.deepEqual(Object.keys(await engine.read('copy')), ['a-1', 'b-2', 'c-1', 'd-1']);
  await engine.remove('data', 'a', 'd');
  assert.equal(counts(await engine.done('copy')), '0/2/0 of 2');
  assert.deepEqual(Object.keys(await engine.read('copy')), ['b-2', 'c-1']);
});

it('going back to data that was ever processed runs nothing', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'A' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  for (const text of ['B', 'A', 'B']) {
    await engine.put('data', { a: text });
    await engine.settled();
    assert.deepEqual(await engine.read('copy'), { a: text });
  }
  assert.equal(engine.executor.count('copy'), 2);
});

it('a cross runs every pair, and only pairs with something new again', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('left', 'right');
  await engine.put('left', { a: 'a', b: 'b' });
  await engine.put('right', { x: 'x', y: 'y' });
  engine.executor.setCode('pairs', (run) => {
    const [left] = Object.values(run.input('left'));
    const [right] = Object.values(run.input('right'));
    run.write(`${left}${right}`, '');
  });
  const cross = { cross: [pfs('left'), pfs('right')] };
  await engine.pipeline({ name: 'pairs', input: cross });
  assert.equal(counts(await engine.done('pairs')), '4/0/0 of 4');
  await engine.put('right', { z: 'z' });
  assert.equal(counts(await engine.done('pairs')), '2/4/0 of 6');
  await engine.remove('left', 'b');
  assert.equal(counts(await engine.done('pairs')), '0/3/0 of 3');
  assert.deepEqual(Object.keys(await engine.read('pairs')), ['ax', 'ay', 'az']);
});

it('a datum that two members of a union match runs once', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  const union = { union: [pfs('data'), pfs('data', { glob: '/a' })] };
  await engine.pipeline({ name: 'copy', input: union });
  assert.equal(counts(await engine.done('copy')), '2/0/0 of 2');
  await engine.put('data', { a: '2' });
  assert.equal(counts(await engine.done('copy')), '1/1/0 of 2');
  assert.deepEqual(await engine.read('copy'), { a: '2', b: '1' });
});

it('with every_job all datums run in each job', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  await engine.pipeline({ name: 'copy', input: 'data', reprocess_spec: 'every_job' });
  await engine.settled();
  await engine.remove('data', 'a');
  await engine.put('data', { c: '1' });
  assert.equal(counts(await engine.done('copy')), '2/0/0 of 2');
  assert.deepEqual(Object.keys(await engine.read('copy')), ['b', 'c']);
});

it('two datums that write one path fail the job, whose reason names the path and both', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  engine.executor.setCode('clash', (run) => run.write('same', String(run.env.data)));
  await engine.put('data', { a: '1', b: '1' });
  await engine.pipeline({ name: 'clash', input: 'data' });
  const job = await engine.done('clash');
  assert.equal(job.state, 'failure');
  assert.match(job.reason, /same output path "\/same"/);
  assert.match(job.reason, /[0-9a-f]{12} \(data:\/a\) and [0-9a-f]{12} \(data:\/b\)/);
  await engine.remove('data', 'b');
  assert.equal((await engine.done('clash')).state, 'success');
  await engine.put('data', { c: '1' });
  const again = await engine.done('clash');
  assert.match(again.reason, /\(data:\/a\) and [0-9a-f]{12} \(data:\/c\)/, 'one of them is older');
});

it('a failing datum fails the job after all others ran, and the next good one inherits', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  engine.executor.setCode('picky', failOnBad);
  await engine.put('data', { a: '1' });
  await engine.pipeline([
    { name: 'picky', input: 'data', datum_tries: 1 },
    { name: 'after', input: 'picky' },
    { name: 'last', input: 'after' },
  ]);
  await engine.settled();
  await engine.put('data', { b: 'bad', c: '1', d: '1' });
  const job = await engine.done('picky');
  assert.deepEqual([job.state, counts(job)], ['failure', '2/1/1 of 4']);
  assert.match(job.reason, /^datum [0-9a-f]{12} \(data:\/b\) failed: .*exit code 3/);
  assert.match((await engine.commit('picky')).error ?? '', /failed/);
  const after = await engine.job('after');
  assert.equal(after.state, 'unrunnable');
  assert.match(after.reason, /picky@master/);
  assert.match((await engine.job('last')).reason, /after@master/);

  await engine.put('data', { b: 'good' });
  const healed = await engine.done('picky');
  assert.deepEqual([healed.state, counts(healed)], ['success', '1/3/0 of 4']);
  assert.deepEqual(await engine.read('last'), { a: '1', b: 'good', c: '1', d: '1' });
});

it('a datum has three tries unless told otherwise', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  let left = 2;
  engine.executor.setCode('flaky', () => (left-- > 0 ? 1 : 0));
  engine.executor.setCode('hopeless', () => 1);
  await engine.pipeline([
    { name: 'flaky', input: 'data' },
    { name: 'hopeless', input: 'data', datum_tries: 2 },
  ]);
  assert.equal((await engine.done('flaky')).state, 'success');
  assert.equal(engine.executor.count('flaky'), 3);
  assert.equal((await engine.job('hopeless')).state, 'failure');
  assert.equal(engine.executor.count('hopeless'), 2);
});

it('an accepted return code is success', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  engine.executor.setCode('odd', (run) => {
    run.write('a', 'written');
    return 7;
  });
  await engine.pipeline({ name: 'odd', input: 'data', transform: { accept_return_code: [7] } });
  assert.equal((await engine.done('odd')).state, 'success');
  assert.deepEqual(await engine.read('odd'), { a: 'written' });
});

it('a datum that takes longer than its datum_timeout fails', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  engine.executor.setCode('slow', (run) => (run.env.data === '/pfs/data/a' ? run.hang() : 0));
  const limits = { datum_timeout: '20ms', datum_tries: 1 };
  await engine.pipeline({ name: 'slow', input: 'data', ...limits });
  const job = await engine.done('slow');
  assert.deepEqual([job.state, counts(job)], ['failure', '1/0/1 of 2']);
  assert.match(job.reason, /longer than its time-out of 0.02 s/);
});

it('a job that takes longer than its job_timeout is killed, and the next one runs', async (t) => {
  const clock = new ManualClock();
  const engine = await TestEngine.start(t, { clock });
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const begun = new Latch();
  engine.executor.setCode('slow', (run) => {
    begun.open();
    return 'b' in run.input('data') ? 0 : run.hang();
  });
  await engine.pipeline({ name: 'slow', input: 'data', job_timeout: '1m' });
  await begun.opened;
  await clock.pass(59_000);
  assert.equal((await engine.job('slow')).finished, null);
  await clock.pass(1000);
  await engine.settled();
  const job = await engine.job('slow');
  assert.equal(job.state, 'killed');
  assert.match(job.reason, /job_timeout of 1m/);
  assert.match((await engine.commit('slow')).error ?? '', /job_timeout/);
  await engine.remove('data', 'a');
  await engine.put('data', { b: '1' });
  assert.equal((await engine.done('slow')).state, 'success');
});

it('an input without files makes a job of no datums that succeeds', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.pipeline([
    { name: 'copy', input: 'data', glob: '/' },
    { name: 'next', input: 'copy' },
  ]);
  const job = await engine.done('next');
  assert.deepEqual([job.state, counts(job)], ['success', '0/0/0 of 0']);
  assert.equal(engine.executor.runs.length, 0);
  await engine.put('data', { a: '1' });
  await engine.settled();
  assert.deepEqual(await engine.read('next'), { a: '1' });
});

it('the results of a job are in the meta repo whatever its end', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  engine.executor.setCode('picky', failOnBad);
  await engine.put('data', { a: '1', b: 'bad' });
  await engine.pipeline({ name: 'picky', input: 'data', datum_tries: 1 });
  await engine.settled();
  const meta = await engine.commit(metaRepo('picky'));
  assert.deepEqual([meta.error, meta.tree === null], [null, false]);
});
