import assert from 'node:assert/strict';
import { it } from 'node:test';
import { restartDatums } from '../../../engine/jobs/restart-datum.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import type { FakeRun } from '../../support/fake-executor.ts';
import { Latch } from '../../support/latch.ts';

const NET = { cmd: ['work'], err_cmd: ['mend'], err_stdin: ['one', 'two'] };

/** Fails on inputs that say bad; `mend` ends with what the test says. */
function failing(mend: (run: FakeRun) => number, isBad = (text: string) => text.startsWith('bad')) {
  return (run: FakeRun): number => {
    if (run.spec.command[0] === 'mend') {
      return mend(run);
    }
    for (const [path, text] of Object.entries(run.input('data'))) {
      run.write(path, text);
      if (isBad(text)) {
        return 3;
      }
    }
    return 0;
  };
}

it('a datum whose err_cmd ends well is recovered at once, without output, and its job succeeds', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'good', b: 'bad' });
  const seen: unknown[] = [];
  engine.executor.setCode(
    'net',
    failing((run) => {
      seen.push([run.spec.stdin, run.input('data'), run.env.data]);
      return 0;
    }),
  );
  await engine.pipeline([
    { name: 'net', input: 'data', transform: NET },
    { name: 'after', input: 'net' },
  ]);
  const job = await engine.done('net');
  assert.deepEqual([job.state, counts(job), job.datums.recovered], ['success', '1/0/0 of 2', 1]);
  assert.deepEqual(seen, [['one\ntwo\n', { b: 'bad' }, '/pfs/data/b']], 'one try, one mending');
  assert.deepEqual(await engine.read('net'), { a: 'good' });
  assert.equal((await engine.job('after')).state, 'success');
});

it('a datum whose err_cmd fails is tried again, and fails after its last try', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { b: 'bad' });
  let mended = 0;
  engine.executor.setCode(
    'net',
    failing(() => ++mended && 1),
  );
  await engine.pipeline({ name: 'net', input: 'data', transform: NET, datum_tries: 2 });
  const job = await engine.done('net');
  assert.deepEqual([job.state, counts(job), mended], ['failure', '0/0/1 of 1', 2]);
  assert.match(job.reason, /exit code 3/);
});

it('the next job tries a recovered datum again although it did not change', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'good', b: 'bad' });
  let isBad = true;
  engine.executor.setCode(
    'net',
    failing(
      () => 0,
      (text) => isBad && text === 'bad',
    ),
  );
  await engine.pipeline({ name: 'net', input: 'data', transform: NET });
  await engine.settled();
  await engine.put('data', { c: 'new' });
  const second = await engine.done('net');
  assert.deepEqual([counts(second), second.datums.recovered], ['1/1/0 of 3', 1]);
  isBad = false;
  await engine.put('data', { d: 'new' });
  const third = await engine.done('net');
  assert.deepEqual([counts(third), third.datums.recovered], ['2/2/0 of 4', 0]);
  assert.deepEqual(Object.keys(await engine.read('net')), ['a', 'b', 'c', 'd']);
  await engine.put('data', { e: 'new' });
  assert.equal(counts(await engine.done('net')), '1/4/0 of 5');
});

it('a recovered datum is tried again also by a job on the same commits, and by one whose input came out equal', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'good', b: 'bad' });
  engine.executor.setCode(
    'net',
    failing(() => 0),
  );
  engine.executor.setCode('same', (run) => {
    for (const path of Object.keys(run.input('data'))) {
      run.write(path, path === 'b' ? 'bad' : 'good');
    }
  });
  await engine.pipeline([
    { name: 'same', input: 'data' },
    {
      name: 'net',
      input: { pfs: { repo: 'same', name: 'data', glob: '/*' } },
      transform: NET,
    },
  ]);
  const tried = async () => {
    const job = await engine.done('net');
    return [counts(job), job.datums.recovered, engine.executor.count('net')];
  };
  assert.deepEqual(await tried(), ['1/0/0 of 2', 1, 3]);
  await engine.rerun('net');
  assert.deepEqual(await tried(), ['0/1/0 of 2', 1, 5]);
  await engine.put('data', { a: 'other bytes of the same output' });
  assert.deepEqual(await tried(), ['0/1/0 of 2', 1, 7]);
});

it('a recovered datum that goes away is tried no more', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'good', b: 'bad' });
  engine.executor.setCode(
    'net',
    failing(() => 0),
  );
  await engine.pipeline({ name: 'net', input: 'data', transform: NET });
  await engine.settled();
  await engine.remove('data', 'b');
  const job = await engine.done('net');
  assert.deepEqual([counts(job), job.datums.recovered], ['0/1/0 of 1', 0]);
});

it('rerunning a pipeline runs what failed; with reprocess all of it, in the same version', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'good', b: 'bad' });
  let isBad = true;
  engine.executor.setCode(
    'flaky',
    failing(
      () => 0,
      (text) => isBad && text === 'bad',
    ),
  );
  await engine.pipeline([
    { name: 'flaky', input: 'data', datum_tries: 1 },
    { name: 'after', input: 'flaky' },
  ]);
  assert.equal((await engine.done('flaky')).state, 'failure');
  isBad = false;
  await engine.rerun('flaky');
  const again = await engine.done('flaky');
  assert.deepEqual([again.state, counts(again), again.version], ['success', '1/1/0 of 2', 1]);
  assert.deepEqual(await engine.read('after'), { a: 'good', b: 'bad' });
  await engine.rerun('flaky', true);
  const anew = await engine.done('flaky');
  assert.deepEqual([counts(anew), anew.version], ['2/0/0 of 2', 1]);
  assert.equal((await engine.done('after')).id, anew.id);
});

it('a stopped pipeline is not rerun', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.stop('copy');
  await assert.rejects(engine.rerun('copy'), /Cannot rerun pipeline "copy": it is stopped/);
});

it('a restarted datum begins anew in a new container, with all its tries', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  const begun = new Latch();
  let runs = 0;
  engine.executor.setCode('stuck', async (run) => {
    if (run.env.data !== '/pfs/data/b') {
      return 0;
    }
    runs += 1;
    if (runs === 1) {
      begun.open();
      return await run.hang();
    }
    return runs === 2 ? 1 : 0;
  });
  await engine.pipeline({ name: 'stuck', input: 'data', datum_tries: 2 });
  await begun.opened;
  const job = await engine.job('stuck');
  assert.throws(() => restartDatums(engine.pool, job, ['/a']), /no such datum is being processed/);
  const [restarted] = restartDatums(engine.pool, job, ['/b']);
  assert.equal(restarted?.worker, 'stuck-v1-0');
  const done = await engine.done('stuck');
  assert.deepEqual([done.state, counts(done), runs], ['success', '2/0/0 of 2', 3]);
  assert.throws(() => restartDatums(engine.pool, done, []), /the job has ended \(success\)/);
});

it('what is unrunnable names what failed first, wherever that is upstream', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { b: 'bad' });
  engine.executor.setCode(
    'first',
    failing(() => 1),
  );
  await engine.pipeline([
    { name: 'first', input: 'data', datum_tries: 1 },
    { name: 'second', input: 'first' },
    { name: 'third', input: 'second' },
    { name: 'fourth', input: 'third' },
  ]);
  await engine.settled();
  const reasons = await Promise.all(
    ['second', 'third', 'fourth'].map(async (name) => (await engine.job(name)).reason),
  );
  assert.deepEqual(reasons, [
    'unrunnable because what it reads from failed: first@master',
    'unrunnable because what it reads from failed: second@master (because first@master failed)',
    'unrunnable because what it reads from failed: third@master (because first@master failed)',
  ]);
});
