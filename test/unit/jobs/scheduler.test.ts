import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { Heartbeat } from '../../../engine/jobs/heartbeat.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { CuttableStore } from '../../support/cuttable-store.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { FakeExecutor } from '../../support/fake-executor.ts';
import { Latch } from '../../support/latch.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Twenty small files. */
const files = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n + 10}`, `${n}`]));

it('an engine that is killed in a job is followed by one that runs no journaled datum again', async (t) => {
  const store = new MemoryObjectStore();
  const cut = new CuttableStore(store);
  const clock = new ManualClock();
  const first = await TestEngine.start(t, { store: cut, clock, self: 'home-1' });
  await first.repos('data');
  await first.put('data', files);
  const stuck = new Latch();
  first.executor.setCode('copy', (run) => {
    if (first.executor.runs.length === 13) {
      stuck.open();
      return run.hang();
    }
    // The first datum fails for good: that is a result, too.
    return first.executor.runs.length === 1 ? 1 : run.write(String(run.env.data).slice(10), 'done');
  });
  await first.pipeline({ name: 'copy', input: 'data', datum_tries: 1 });
  await stuck.opened;
  await clock.pass(2000);
  const journaled = (await first.job('copy')).datums;
  assert.deepEqual([journaled.processed, journaled.failed], [11, 1]);
  cut.cut();
  first.abandon();

  const second = await TestEngine.start(t, { store, self: 'home-2' });
  second.executor.setCode('copy', (run) => run.write(String(run.env.data).slice(10), 'done'));
  const job = await second.done('copy');
  assert.deepEqual([job.state, counts(job), job.restarts], ['failure', '19/0/1 of 20', 1]);
  assert.equal(second.executor.runs.length, 8);
  const ran = new Set(first.executor.runs.slice(0, 12).map(({ datum }) => datum));
  assert.ok(second.executor.runs.every(({ datum }) => !ran.has(datum)));
});

it('a job is left to the engine that has it, and its results are refused once another took over', async (t) => {
  const store = new MemoryObjectStore();
  const clock = new ManualClock();
  const begun = new Latch();
  const late = new Latch();
  const first = await TestEngine.start(t, { store, clock, self: 'first' });
  await first.repos('data');
  await first.put('data', { a: '1' });
  first.executor.setCode('copy', async (run) => {
    begun.open();
    await late.opened;
    run.write('a', 'of the first');
  });
  await first.pipeline({ name: 'copy', input: 'data' });
  await begun.opened;
  let isFirstAlive = true;
  const second = await TestEngine.start(t, { store, self: 'second', isAlive: () => isFirstAlive });
  second.executor.setCode('copy', (run) => run.write('a', 'of the second'));
  second.scheduler.poke();
  assert.equal(second.scheduler.running, 0);
  isFirstAlive = false;
  second.scheduler.poke();
  const job = await second.done('copy');
  assert.deepEqual([job.state, job.restarts], ['success', 1]);
  late.open();
  while (first.scheduler.running > 0) {
    await clock.pass(100);
  }
  assert.equal(first.executor.runs.length, 1);
  assert.deepEqual(await second.read('copy'), { a: 'of the second' });
});

it('of two engines that see a new job at once, one runs it', async (t) => {
  const store = new MemoryObjectStore();
  const executor = new FakeExecutor(new SystemClock());
  const options = { store, executor, isAlive: () => true, idle: true };
  const one = await TestEngine.start(t, { ...options, self: 'one' });
  const two = await TestEngine.start(t, { ...options, self: 'two' });
  await one.repos('data');
  await one.put('data', { a: '1' });
  await one.pipeline(['p', 'q', 'r'].map((name) => ({ name, input: 'data' })));
  await two.pfs.context.journal.sync();
  const stops = [one, two].map(({ scheduler, pfs }) => {
    scheduler.start();
    return pfs.context.journal.follow({ intervalMs: 1 });
  });
  await Promise.all([one.settled(), two.settled()]);
  for (const stop of stops) {
    stop();
  }
  assert.deepEqual(executor.runs.map(({ pipeline }) => pipeline).sort(), ['p', 'q', 'r']);
  for (const name of ['p', 'q', 'r']) {
    assert.equal((await one.job(name)).restarts, 0, 'nobody took it from the other');
  }
  assert.deepEqual([...one.problems, ...two.problems], []);
});

it('a missing image makes the pipeline crash with the reason, and heals when the image is there', async (t) => {
  const clock = new ManualClock();
  const engine = await TestEngine.start(t, { clock });
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline({ name: 'copy', input: 'data', image: 'mine:1' });
  await engine.until(() => engine.record('copy').state === 'crashing');
  assert.match(engine.record('copy').reason, /image "mine:1"/);
  assert.equal((await engine.job('copy')).finished, null);
  engine.executor.images.set('mine:1', 'sha256:m1');
  await clock.pass(20_000);
  await engine.settled();
  await engine.until(() => engine.record('copy').state === 'running');
  assert.deepEqual([engine.record('copy').reason, engine.problems.length], ['', 1]);
  assert.deepEqual(await engine.read('copy'), { a: '1' });
});

it('a pipeline that crashes can be updated', async (t) => {
  const clock = new ManualClock();
  const engine = await TestEngine.start(t, { clock });
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline({ name: 'copy', input: 'data', image: 'wrong' });
  await engine.until(() => engine.record('copy').state === 'crashing');
  await engine.pipeline({ name: 'copy', input: 'data' }, { update: true });
  assert.equal((await engine.done('copy')).state, 'success');
  assert.equal(engine.record('copy').state, 'running');
});

it('a version keeps the image that its name meant when it first ran', async (t) => {
  const engine = await TestEngine.start(t, { idleMs: 0 });
  const { executor } = engine;
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  executor.images.set('busybox', 'sha256:b2').set('old', 'sha256:b1');
  await engine.put('data', { b: '1' });
  const job = await engine.done('copy');
  assert.equal(job.image?.digest, 'sha256:b1');
  assert.equal((await engine.commit('copy')).image?.digest, 'sha256:b1');
  await engine.pipeline({ name: 'copy', input: 'data' }, { update: true });
  await engine.put('data', { c: '1' });
  assert.equal((await engine.done('copy')).image?.digest, 'sha256:b2');
  const images = executor.runs.map(({ image }) => image);
  assert.deepEqual(images, ['sha256:b1', 'sha256:b1', 'sha256:b2']);
});

it('what heals is tried again, ever more slowly', async (t) => {
  const clock = new ManualClock();
  const engine = await TestEngine.start(t, { clock });
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const times: number[] = [];
  engine.executor.setCode('copy', () => {
    times.push(clock.now());
    throw new EngineError('unavailable', 'Cannot reach Docker');
  });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.until(() => engine.record('copy').state === 'crashing');
  while (times.length < 7) {
    await clock.pass(100);
  }
  const gaps = times.slice(1).map((time, n) => time - (times[n] ?? 0));
  for (const [n, least] of [1000, 2000, 4000, 8000, 15_000, 15_000].entries()) {
    assert.ok((gaps[n] ?? 0) >= least, `${gaps}`);
  }
  assert.match(engine.record('copy').reason, /Cannot reach Docker/);
});

it('workers stay for the next job, and are stopped when there is none for a while', async (t) => {
  const clock = new ManualClock();
  const engine = await TestEngine.start(t, { clock, idleMs: 10_000 });
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline({ name: 'copy', input: 'data', parallelism_spec: { constant: 3 } });
  await engine.settled();
  await clock.pass(9000);
  await engine.put('data', { b: '1' });
  await engine.settled();
  await clock.pass(9000);
  assert.equal(engine.executor.alive.size, 1, 'one worker was enough, and is still there');
  await clock.pass(1000);
  assert.equal(engine.executor.alive.size, 0);
  await engine.put('data', { c: '1' });
  assert.equal((await engine.done('copy')).state, 'success');
});

it('as many workers as the spec says share the datums', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', files);
  const all = new Latch();
  engine.executor.setCode('copy', async () => {
    if (engine.executor.busiest === 3) {
      all.open();
    }
    await all.opened;
  });
  await engine.pipeline({ name: 'copy', input: 'data', parallelism_spec: { constant: 3 } });
  assert.equal(counts(await engine.done('copy')), '20/0/0 of 20');
  assert.equal(engine.executor.busiest, 3);
  assert.equal(engine.executor.count('copy'), 20);
});

it('a worker that is lost costs a try of its datum only', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', files);
  let lost = 0;
  engine.executor.setCode('copy', (run) => {
    if (run.env.data === '/pfs/data/f15' && lost++ === 0) {
      return { kind: 'lost', reason: 'the container died', outOfMemory: false };
    }
    return 0;
  });
  await engine.pipeline({ name: 'copy', input: 'data' });
  assert.equal(counts(await engine.done('copy')), '20/0/0 of 20');
  assert.equal(engine.executor.count('copy'), 21);
});

it('an engine is alive while its heart beats, by the clock of who watches', async () => {
  const store = new MemoryObjectStore();
  const clock = new ManualClock();
  const make = (self: string, onDeath = () => {}) =>
    new Heartbeat({ store, clock, self, onDeath, onProblem: (error) => assert.fail(`${error}`) });
  const id = (instance: string, run: string) => `${instance.repeat(16)}${run.repeat(16)}`;
  let deaths = 0;
  const watcher = make(id('a', '1'), () => {
    deaths += 1;
  });
  const other = make(id('b', '1'));
  watcher.start();
  other.start();
  assert.equal(watcher.isAlive(id('a', '1')), true, 'itself');
  assert.equal(watcher.isAlive(id('a', '0')), false, 'an earlier run in its own home');
  assert.equal(watcher.isAlive(id('b', '1')), true);
  await clock.pass(120_000);
  assert.deepEqual([watcher.isAlive(id('b', '1')), deaths], [true, 0]);
  await other.stop();
  await clock.pass(20_000);
  assert.equal(watcher.isAlive(id('b', '1')), true, 'it may only be slow');
  await clock.pass(25_000);
  assert.equal(watcher.isAlive(id('b', '1')), false);
  assert.ok(deaths > 0, 'the scheduler is told');
  await watcher.stop();
});
