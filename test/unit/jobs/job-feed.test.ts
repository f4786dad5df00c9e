import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { followJobs } from '../../../engine/jobs/job-feed.ts';
import type { JobRecord } from '../../../engine/journal/records.ts';
import { TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';

function follow(t: TestContext, engine: TestEngine, fresh = false) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const includes = (job: JobRecord) => job.pipeline !== 'default/quiet';
  const jobs = followJobs(engine.pfs.context, { includes, fresh, signal: stop.signal });
  const next = async (): Promise<string> => {
    const { value } = await jobs.next();
    return value ? `${value.pipeline.slice('default/'.length)} ${value.state}` : 'the end';
  };
  return { next, stop };
}

it('every state of every job comes once and in order, those under way first', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const begun = new Latch();
  const go = new Latch();
  engine.executor.setCode('one', async () => {
    begun.open();
    await go.opened;
  });
  await engine.pipeline([
    { name: 'one', input: 'data' },
    { name: 'two', input: 'one' },
    { name: 'quiet', input: 'one' },
  ]);
  await begun.opened;
  const all = follow(t, engine);
  const fresh = follow(t, engine, true);
  assert.deepEqual([await all.next(), await all.next()].sort(), ['one running', 'two created']);
  const coming = fresh.next();
  go.open();
  assert.equal(await coming, 'one success');
  await engine.settled();
  // `two` reads nothing, so that it has no datum to run.
  const told = [await all.next(), await all.next(), await all.next()];
  assert.deepEqual(told, ['one success', 'two starting', 'two success']);
  all.stop.abort();
  assert.equal(await all.next(), 'the end');
});

it('a job goes from created over starting and running to its end', async (t) => {
  const engine = await TestEngine.start(t, { idle: true });
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const feed = follow(t, engine);
  const first = feed.next();
  await engine.pipeline({ name: 'copy', input: 'data' });
  assert.equal(await first, 'copy created');
  engine.scheduler.start();
  const states = [await feed.next(), await feed.next(), await feed.next()];
  assert.deepEqual(states, ['copy starting', 'copy running', 'copy success']);
});
