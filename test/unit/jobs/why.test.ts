import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeRequested } from '../../../engine/jobs/changes.ts';
import { type DatumWhy, explainJob } from '../../../engine/jobs/why.ts';
import { TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ACTOR } from '../../support/pfs.ts';

async function whyOf(
  engine: TestEngine,
  from: string,
  more: { datum?: string; path?: string } = {},
) {
  return await explainJob(engine.pfs.context, await engine.job(from), { limit: 20, ...more });
}

/** Returns what is said of each datum, by the paths it reads. */
function told(datums: readonly DatumWhy[]): Record<string, string> {
  return Object.fromEntries(
    datums.map(({ one, cause, differences }) => [
      one.datum.inputs.map(({ path }) => path).join(' '),
      [cause, ...differences.map(({ part, files }) => [part, ...(files ?? [])].join(' '))].join(
        ', ',
      ),
    ]),
  );
}

it('a datum ran because it is new, its content or mode changed; the rest was skipped', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '2', 'd/x': '3' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  const first = await whyOf(engine, 'copy');
  assert.deepEqual([first.earlier, first.counts], [undefined, { new: 3 }]);
  assert.deepEqual(told(first.datums), { '/a': 'new', '/b': 'new', '/d': 'new' });

  await engine.put('data', { b: 'two', c: '4', 'd/x': 'three', 'd/y': '5' });
  await engine.settled();
  const second = await whyOf(engine, 'copy');
  assert.equal(second.earlier?.id, first.job.id);
  assert.deepEqual(second.counts, { changed: 2, new: 1, same: 1 });
  assert.deepEqual(told(second.datums), {
    '/b': 'changed, content',
    '/c': 'new, path',
    '/d': 'changed, content /d/x /d/y',
    '/a': 'same',
  });
});

it('a skipped datum, and a path, lead to the job that made the result and why that ran it', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  await engine.put('data', { a: '2' });
  await engine.settled();
  const maker = await engine.job('copy');
  await engine.put('data', { b: '2' });
  await engine.settled();
  const { datums, counts } = await whyOf(engine, 'copy', { path: 'a' });
  assert.equal(counts, undefined);
  assert.deepEqual(told(datums), { '/a': 'same' });
  const [why] = datums;
  assert.deepEqual([why?.made?.job, why?.made?.cause], [maker.id, 'changed']);
  const id = String(why?.one.datum.id);
  const one = await whyOf(engine, 'copy', { datum: id.slice(0, 10) });
  assert.deepEqual(told(one.datums), { '/a': 'same' });
  await assert.rejects(whyOf(engine, 'copy', { path: 'none' }), { code: 'not_found' });
});

it('reprocessing, a failure before, and a job that was cut short are told apart', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '2' });
  let isBroken = true;
  engine.executor.setCode('copy', (run) => {
    const [name = ''] = Object.keys(run.input('data'));
    return isBroken && name === 'b' ? 3 : run.write(name, 'done');
  });
  const spec = { name: 'copy', input: 'data', datum_tries: 1 };
  await engine.pipeline(spec);
  const failed = await engine.done('copy');
  isBroken = false;
  await makeRequested(
    engine.pfs.context,
    { kind: 'job.retry', pipeline: 'default/copy', job: failed.id },
    ACTOR,
  );
  await engine.settled();
  const retried = await whyOf(engine, 'copy');
  assert.deepEqual(told(retried.datums), { '/b': 'failed_before', '/a': 'same' });
  assert.match(retried.datums[0]?.earlier?.reason ?? '', /exit(ed with)? code 3/);

  await engine.pipeline(spec, { update: true, reprocess: true });
  await engine.settled();
  const anew = await whyOf(engine, 'copy');
  assert.deepEqual(anew.counts, { reprocess: 2 });
  assert.deepEqual(told(anew.datums), { '/a': 'reprocess, salt', '/b': 'reprocess, salt' });

  const stuck = new Latch();
  engine.executor.setCode('copy', (run) => {
    stuck.open();
    return run.hang();
  });
  await engine.put('data', { a: 'one' });
  const { id } = await engine.job('copy');
  await stuck.opened;
  await makeRequested(
    engine.pfs.context,
    { kind: 'job.stop', pipeline: 'default/copy', job: id },
    ACTOR,
  );
  await engine.settled();
  engine.executor.setCode('copy', (run) => run.write(String(run.env.data).slice(10), 'x'));
  await makeRequested(
    engine.pfs.context,
    { kind: 'job.retry', pipeline: 'default/copy', job: id },
    ACTOR,
  );
  await engine.settled();
  assert.deepEqual(told((await whyOf(engine, 'copy')).datums), { '/a': 'no_result', '/b': 'same' });
});

it('files that were there and no datum together, and every_job, are said', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '2' });
  await engine.pipeline({ name: 'copy', input: 'data', glob: '/*' });
  await engine.settled();
  await engine.pipeline({ name: 'copy', input: 'data', glob: '/' }, { update: true });
  await engine.settled();
  assert.deepEqual(told((await whyOf(engine, 'copy')).datums), { '/': 'new, combination' });
  await engine.pipeline(
    { name: 'copy', input: 'data', glob: '/', reprocess_spec: 'every_job' },
    { update: true },
  );
  await engine.settled();
  assert.deepEqual(told((await whyOf(engine, 'copy')).datums), { '/': 'every_job' });
});
