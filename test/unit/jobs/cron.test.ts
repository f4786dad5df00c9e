import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { runCronIn } from '../../../engine/jobs/cron.ts';
import { deletePipeline, startPipeline, stopPipeline } from '../../../engine/jobs/pipelines.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { RetryingObjectStore } from '../../../engine/object/retrying.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { makeChange } from '../../../engine/pfs/change.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { TestEngine, type TestEngineOptions } from '../../support/engine.ts';
import { FaultyObjectStore } from '../../support/faulty-object-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { chosenSeed } from '../../support/seed.ts';

const ACTOR = { actor: 'test' };
/** When the manual clock begins. */
const BEGIN = 1_700_000_000_000;
const MINUTE = 60_000;

const cron = (spec: string, more: Record<string, unknown> = {}) => ({
  cron: { name: 'tick', spec, ...more },
});
const at = (ms: number) => new Date(BEGIN + ms).toISOString().replace('.000Z', 'Z');

async function start(
  t: Parameters<typeof TestEngine.start>[0],
  options: TestEngineOptions = {},
): Promise<{ engine: TestEngine; clock: ManualClock }> {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  return { clock, engine: await TestEngine.start(t, { ticking: true, ...options, clock }) };
}

/** Lets time pass until something is done that waits for it: a store that fails is asked again later. */
async function whilePassing<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = () => (isDone = true);
  work.then(done, done);
  while (!isDone) {
    await clock.pass(100);
  }
  return await work;
}

/** Waits until a repo has so many ticks, and returns their names. */
async function ticks(engine: TestEngine, repo: string, count: number): Promise<string[]> {
  const commits = () =>
    [...engine.pfs.context.journal.state.commits.keysBy('repo', `default/${repo}`)].filter((key) =>
      engine.pfs.context.journal.state.commits.get(key)?.description.startsWith('tick'),
    );
  await engine.until(() => commits().length >= count);
  return Object.keys(await engine.read(repo));
}

it('each time of a schedule is a commit with a file of its name, and a job', async (t) => {
  const { engine, clock } = await start(t);
  await engine.pipeline({ name: 'report', input: cron('@every 1m') });
  await engine.settled();
  assert.deepEqual(await engine.read('report_tick'), {});
  await clock.pass(MINUTE - 1);
  await clock.pass(1);
  assert.deepEqual(await ticks(engine, 'report_tick', 1), [at(MINUTE)]);
  await clock.pass(2 * MINUTE);
  const names = [at(MINUTE), at(2 * MINUTE), at(3 * MINUTE)];
  assert.deepEqual(await ticks(engine, 'report_tick', 3), names);
  await engine.settled();
  assert.deepEqual(Object.keys(await engine.read('report')), names);
  assert.equal(engine.executor.count('report'), 3, 'a datum for each');
  assert.deepEqual(engine.problems, []);
});

it('with overwrite there is only the file of the last tick', async (t) => {
  const { engine, clock } = await start(t);
  await engine.pipeline({ name: 'report', input: cron('@every 1m', { overwrite: true }) });
  await clock.pass(MINUTE);
  await ticks(engine, 'report_tick', 1);
  await clock.pass(MINUTE);
  assert.deepEqual(await ticks(engine, 'report_tick', 2), [at(2 * MINUTE)]);
});

it('a start that is past makes up its ticks one by one; one that is to come waits', async (t) => {
  const { engine, clock } = await start(t);
  const past = new Date(BEGIN - 3 * MINUTE).toISOString();
  const future = new Date(BEGIN + MINUTE).toISOString();
  await engine.pipeline([
    { name: 'old', input: cron('@every 1m', { start: past }) },
    { name: 'new', input: cron('@every 1m', { start: future }) },
  ]);
  await clock.pass(0);
  const names = [at(-2 * MINUTE), at(-MINUTE), at(0)];
  assert.deepEqual(await ticks(engine, 'old_tick', 3), names);
  await clock.pass(MINUTE);
  assert.deepEqual(await engine.read('new_tick'), {});
  await clock.pass(MINUTE);
  assert.deepEqual(await ticks(engine, 'new_tick', 1), [at(2 * MINUTE)]);
  await assert.rejects(
    engine.pipeline({ name: 'flood', input: cron('@every 1m', { start: '2001-01-01T00:00:00Z' }) }),
    /Cannot use the start "2001-01-01T00:00:00Z" of input "tick": .* more than 10000 times since then/,
  );
});

it('ticks that came while no engine ran are made up by the next, none twice', async (t) => {
  const store = new MemoryObjectStore();
  const clock = new ManualClock();
  const first = await start(t, { store, clock });
  await first.engine.pipeline({ name: 'report', input: cron('@every 1m') });
  await clock.pass(MINUTE);
  await ticks(first.engine, 'report_tick', 1);
  await first.engine.settled();
  await first.engine.close();
  first.engine.abandon();
  await clock.pass(3 * MINUTE);
  const second = await start(t, { store, clock, self: 'engine-b' });
  await clock.pass(0);
  const names = [1, 2, 3, 4].map((n) => at(n * MINUTE));
  assert.deepEqual(await ticks(second.engine, 'report_tick', 4), names);
  const { depth } = await second.engine.commit('report_tick');
  assert.equal(depth, 4, 'the empty one and four ticks');
});

it('several engines on one store make each tick once', async (t) => {
  const store = new MemoryObjectStore();
  const clock = new ManualClock();
  const engines: TestEngine[] = [];
  for (const self of ['engine-a', 'engine-b', 'engine-c']) {
    const { engine } = await start(t, { store, clock, self, idle: true });
    const stop = engine.pfs.context.journal.follow();
    t.after(async () => stop());
    engines.push(engine);
  }
  const [engine] = engines;
  assert.ok(engine);
  await engine.pipeline({ name: 'report', input: cron('@every 1m') });
  const depthIn = ({ pfs }: TestEngine) => {
    const { branches, commits } = pfs.context.journal.state;
    const head = branches.get('default/report_tick@master')?.head;
    return head ? commits.get(`default/report_tick@${head}`)?.depth : undefined;
  };
  // Engines learn of each other's entries as their clocks go on.
  for (let second = 0; second < 5 * 60 || engines.some((one) => depthIn(one) !== 5); second++) {
    assert.ok(second < 1000, 'all engines see five ticks');
    await clock.pass(1000);
  }
  const names = [1, 2, 3, 4, 5].map((n) => at(n * MINUTE));
  assert.deepEqual(Object.keys(await engine.read('report_tick')), names);
});

it('a tick on demand comes beside those of the schedule, and moves none of them', async (t) => {
  const { engine, clock } = await start(t);
  await engine.pipeline({ name: 'report', input: cron('@every 1m') });
  await clock.pass(MINUTE / 2);
  const run = () =>
    makeChange(engine.pfs.context, ACTOR, (change) => runCronIn(change, 'default/report'));
  await run();
  const now = new Date(BEGIN + MINUTE / 2).toISOString();
  assert.deepEqual(await ticks(engine, 'report_tick', 1), [now]);
  await clock.pass(MINUTE / 2);
  assert.deepEqual(await ticks(engine, 'report_tick', 2), [now, at(MINUTE)].sort());
  await engine.repos('data');
  await engine.pipeline({ name: 'plain', input: 'data' });
  await assert.rejects(
    makeChange(engine.pfs.context, ACTOR, (change) => runCronIn(change, 'default/plain')),
    /Cannot run the schedule of pipeline "plain": it has no cron input/,
  );
  await stopPipeline(engine.pfs.context, 'default/report', ACTOR);
  await assert.rejects(run(), /it is stopped; start it/);
});

it('a stopped pipeline has no ticks, and those of that time never come', async (t) => {
  const { engine, clock } = await start(t);
  const { context } = engine.pfs;
  await engine.pipeline({ name: 'report', input: cron('*/1 * * * *') });
  await stopPipeline(context, 'default/report', ACTOR);
  await clock.pass(5 * MINUTE);
  assert.deepEqual(await engine.read('report_tick'), {});
  await startPipeline(context, 'default/report', ACTOR);
  await clock.pass(MINUTE);
  assert.equal((await ticks(engine, 'report_tick', 1)).length, 1);
});

it('an update keeps the ticks and where the schedule is; another schedule counts from then on', async (t) => {
  const { engine, clock } = await start(t);
  await engine.pipeline({ name: 'report', input: cron('@every 1m') });
  await clock.pass(MINUTE);
  await ticks(engine, 'report_tick', 1);
  await clock.pass(MINUTE / 2);
  await engine.pipeline({ name: 'report', input: cron('@every 1m') }, { update: true });
  await clock.pass(MINUTE / 2);
  assert.deepEqual(await ticks(engine, 'report_tick', 2), [at(MINUTE), at(2 * MINUTE)]);
  await engine.pipeline({ name: 'report', input: cron('@every 5m') }, { update: true });
  await clock.pass(5 * MINUTE);
  const names = [at(MINUTE), at(2 * MINUTE), at(7 * MINUTE)];
  assert.deepEqual(await ticks(engine, 'report_tick', 3), names);
});

it('the repo of the ticks is made and deleted with the pipeline, and belongs to it', async (t) => {
  const { engine } = await start(t);
  const { context } = engine.pfs;
  const { repos } = context.journal.state;
  await engine.pipeline({ name: 'report', input: cron('@daily') });
  assert.ok(repos.has('default/report_tick'));
  await assert.rejects(
    engine.put('report_tick', { a: '1' }),
    /the schedule of pipeline "report" makes its commits; pfs run cron report makes one now/,
  );
  await assert.rejects(
    deleteRepo(context, { key: 'default/report_tick', force: true }, ACTOR),
    /pipeline "report" writes it; delete the pipeline instead/,
  );
  await engine.pipeline({ name: 'reader', input: 'report_tick' });
  const gone = { key: 'default/report', force: false, keepRepo: false };
  await assert.rejects(deletePipeline(context, gone, ACTOR), /its output is read by "reader"/);
  await deletePipeline(context, { ...gone, key: 'default/reader' }, ACTOR);
  await deletePipeline(context, gone, ACTOR);
  assert.ok(!repos.has('default/report_tick'));
  await engine.repos('p_tick');
  await assert.rejects(
    engine.pipeline({ name: 'p', input: cron('@daily') }),
    /input\.cron\.repo: there is already a repo "p_tick", and the input needs one of its own/,
  );
  await engine.pipeline({ name: 'p', input: cron('@daily', { repo: 'other' }) });
  assert.ok(repos.has('default/other'));
  await engine.repos('data');
  await engine.pipeline({ name: 'p', input: 'data' }, { update: true });
  assert.ok(!repos.has('default/other'), 'an update that has no use for it deletes it');
});

it('two inputs whose times come together are read by one job, crossed with data', async (t) => {
  const { engine, clock } = await start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const other = { cron: { name: 'tock', spec: '@every 1m', overwrite: true } };
  const input = {
    cross: [cron('@every 1m', { overwrite: true }), other, { pfs: { repo: 'data', glob: '/' } }],
  };
  await engine.pipeline({ name: 'both', input });
  await engine.settled();
  const before = (await engine.commit('both')).depth;
  await clock.pass(MINUTE);
  await ticks(engine, 'both_tick', 1);
  await ticks(engine, 'both_tock', 1);
  await engine.settled();
  assert.equal((await engine.commit('both')).depth, before + 1);
  assert.deepEqual(Object.keys(await engine.read('both')).sort(), [at(MINUTE), 'a'].sort());
});

it('a branch with a schedule moves at its times to what it follows, once for all that were missed', async (t) => {
  const { engine, clock } = await start(t);
  await engine.repos('data');
  const { context } = engine.pfs;
  const trigger = {
    branch: 'master',
    all: false,
    size: null,
    commits: null,
    rateLimit: null,
    cron: '@every 1h',
  };
  await putBranch(context, { repo: 'default/data', branch: 'hourly', trigger }, ACTOR);
  const input = { pfs: { repo: 'data', branch: 'hourly', glob: '/*' } };
  await engine.pipeline({ name: 'copy', input });
  await engine.put('data', { a: '1' });
  const { id } = await engine.put('data', { b: '1' });
  await engine.settled();
  assert.deepEqual(await engine.read('copy'), {});
  const head = () => context.journal.state.branches.get('default/data@hourly')?.head;
  await clock.pass(60 * MINUTE);
  await engine.until(() => head() === id);
  await engine.settled();
  assert.deepEqual(await engine.read('copy'), { a: '1', b: '1' });
  const seq = context.journal.seq;
  const ticked = () => context.journal.state.branches.get('default/data@hourly')?.trigger?.ticked;
  await clock.pass(60 * MINUTE);
  await engine.until(() => ticked() === BEGIN + 120 * MINUTE);
  assert.equal(context.journal.seq, seq + 1, 'nothing but the time that was taken');
});

it('each tick is made once on a store that fails before and after what it does, whichever engine tries', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`PFS_SEED=${seed}`);
  const memory = new MemoryObjectStore();
  const clock = new ManualClock();
  const setUp = await start(t, { store: memory, clock, ticking: false, idle: true });
  await setUp.engine.pipeline({ name: 'report', input: cron('@every 1m') });
  const random = new SeededRandom(seed);
  // More would, once in some hundred runs, fail a request of an opening engine as often as it is tried.
  const faults = { before: 0.1, after: 0.1, delay: 0.2 };
  const flaky: TestEngine[] = [];
  for (const self of ['engine-d', 'engine-e']) {
    const store = new RetryingObjectStore(new FaultyObjectStore(memory, { random, faults }), {
      clock,
      random,
    });
    const { engine } = await whilePassing(
      clock,
      start(t, { store, clock, self, idle: true, isFlaky: true }),
    );
    const stop = engine.pfs.context.journal.follow();
    t.after(async () => stop());
    flaky.push(engine);
  }
  const depthIn = ({ pfs }: TestEngine) => {
    const { branches, commits } = pfs.context.journal.state;
    const head = branches.get('default/report_tick@master')?.head;
    return head ? commits.get(`default/report_tick@${head}`)?.depth : undefined;
  };
  for (let second = 0; second < 10 * 60 || flaky.some((one) => depthIn(one) !== 10); second++) {
    assert.ok(second < 5000, `ten ticks, not ${flaky.map(depthIn).join(' and ')}`);
    await clock.pass(1000);
  }
  for (const engine of flaky) {
    await whilePassing(clock, engine.close());
    engine.abandon();
  }
  const reader = await start(t, { store: memory, clock, ticking: false, idle: true });
  const names = Array.from({ length: 10 }, (_, n) => at((n + 1) * MINUTE));
  assert.deepEqual(Object.keys(await reader.engine.read('report_tick')), names);
});
