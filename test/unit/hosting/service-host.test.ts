import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stopJobIn } from '../../../engine/jobs/stop-job.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { makeChange } from '../../../engine/pfs/change.ts';
import { dropSetIn } from '../../../engine/pfs/drop.ts';
import { TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { SPEC, serve, serving, setUp, text } from './serving.ts';

it('what is just starting is not dropped for a newer commit; what came between is never served', async (t) => {
  const engine = await setUp(t);
  const gates = new Map(['2', '4'].map((x) => [x, new Latch()]));
  const begun = new Latch();
  engine.executor.setCode(
    'web',
    serve(async (x) => {
      if (x === '2') {
        begun.open();
      }
      await gates.get(x)?.opened;
    }),
  );
  await engine.put('data', { x: '1' });
  await engine.pipeline(SPEC);
  await engine.until(() => engine.record('web').host?.since != null);
  const [second, third, fourth] = [
    await engine.put('data', { x: '2' }),
    await engine.put('data', { x: '3' }),
    await engine.put('data', { x: '4' }),
  ];
  await begun.opened;
  assert.equal(await text(engine), '1');
  gates.get('2')?.open();
  await serving(engine, second.id);
  assert.equal(await text(engine), '2');
  gates.get('4')?.open();
  await serving(engine, fourth.id);
  assert.equal(await text(engine), '4');
  const never = await engine.job(`web@${third.id}`);
  assert.deepEqual([never.state, /never served/.test(never.reason)], ['success', true]);
  const job = await engine.job('web');
  assert.deepEqual([job.id, job.state, job.datums.total], [fourth.id, 'running', 1]);
});

it('another engine serves the last good data and goes on trying the newest', async (t) => {
  const store = new MemoryObjectStore();
  const engine = await setUp(t, { store });
  await engine.put('data', { x: 'good' });
  await engine.pipeline(SPEC);
  await engine.until(() => engine.record('web').host?.since != null);
  const { serving: id } = engine.record('web').host ?? {};
  await engine.put('data', { bad: '' });
  await engine.until(() => engine.record('web').state === 'crashing');
  await engine.hosting.stop();
  assert.equal(engine.record('web').host?.owner, null);
  const other = await TestEngine.start(t, { store, self: 'engine-b', executor: engine.executor });
  await serving(other, String(id));
  assert.equal(await text(other), 'good');
  await other.until(() => /it is bad.*is served meanwhile/.test(other.record('web').reason));
  await other.remove('data', '/bad');
  await other.until(() => other.record('web').state === 'running');
  assert.equal(await text(other), 'good');
});

it('a live engine keeps what it hosts, and a dead one loses it', async (t) => {
  const store = new MemoryObjectStore();
  const engine = await setUp(t, { store });
  await engine.put('data', { x: '1' });
  await engine.pipeline(SPEC);
  await engine.until(() => engine.record('web').host?.since != null);
  let isDead = false;
  const other = await TestEngine.start(t, {
    store,
    self: 'engine-b',
    executor: engine.executor,
    isAlive: () => !isDead,
  });
  other.hosting.poke();
  assert.equal(other.record('web').host?.owner, 'engine-a');
  isDead = true;
  other.hosting.poke();
  await other.until(() => other.record('web').host?.owner === 'engine-b');
  await other.until(() => other.record('web').host?.since != null);
  assert.equal(await text(other), '1');
});

it('a job that is stopped is not served, and a deleted commit no more', async (t) => {
  const engine = await setUp(t);
  const { context } = engine.pfs;
  await engine.put('data', { x: '1' });
  await engine.pipeline(SPEC);
  await engine.until(() => engine.record('web').host?.since != null);
  const { serving: first } = engine.record('web').host ?? {};
  const second = await engine.put('data', { x: '2' });
  await serving(engine, second.id);
  const bad = await engine.put('data', { bad: '' });
  await engine.until(() => engine.record('web').state === 'crashing');
  const stop = { pipeline: 'default/web', job: bad.id };
  await makeChange(context, { actor: 'user' }, (change) => stopJobIn(change, stop));
  await engine.until(() => engine.record('web').state === 'running');
  assert.equal(await text(engine), '2');
  await makeChange(context, { actor: 'user' }, (change) => dropSetIn(change, bad.id));
  await makeChange(context, { actor: 'user' }, (change) => dropSetIn(change, second.id));
  await serving(engine, String(first));
  assert.equal(await text(engine), '1');
});
