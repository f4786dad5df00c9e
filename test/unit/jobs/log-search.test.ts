import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type LogSearch, searchLogs } from '../../../engine/jobs/log-search.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';

function search(engine: TestEngine, wanted: Partial<LogSearch>) {
  const places = { context: engine.pfs.context, logs: engine.logs };
  const signal = new AbortController().signal;
  return searchLogs(places, { follow: false, signal, ...wanted });
}

async function lines(engine: TestEngine, wanted: Partial<LogSearch>): Promise<string[]> {
  const found: string[] = [];
  for await (const { record } of search(engine, wanted)) {
    found.push(record.message);
  }
  return found;
}

async function opened(t: Parameters<typeof TestEngine.start>[0]): Promise<TestEngine> {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  engine.executor.setCode('say', async (run) => {
    const [name = '', text = ''] = Object.entries(run.input('data'))[0] ?? [];
    await run.print(`${name} says ${text}\n`);
  });
  await engine.put('data', { 'd/x': '1', e: '2' });
  await engine.pipeline({ name: 'say', input: 'data' });
  await engine.settled();
  return engine;
}

const pipeline = 'default/say';

it('lines of a pipeline are found by input path: exact, above, below, by a glob, and of one repo', async (t) => {
  const engine = await opened(t);
  await engine.put('data', { e: '3' });
  await engine.settled();
  const by = (path: string) => lines(engine, { pipeline, path });
  assert.deepEqual(await by('/e'), ['e says 2', 'e says 3']);
  assert.deepEqual(await by('d/x'), ['d/x says 1']);
  assert.deepEqual(await by('/d'), ['d/x says 1']);
  assert.deepEqual(await by('/[a-d]*'), ['d/x says 1']);
  assert.deepEqual(await by('data:/e'), ['e says 2', 'e says 3']);
  assert.deepEqual(await by('other:/e'), []);
  const { id } = await engine.job('say');
  assert.deepEqual(await lines(engine, { pipeline, job: id, path: '/e' }), ['e says 3']);
  assert.deepEqual(await lines(engine, { pipeline, path: '/e', tail: 1 }), ['e says 3']);
});

it('time and text choose among all jobs, and jobs outside are not read', async (t) => {
  const engine = await opened(t);
  const first = await engine.job('say');
  await engine.put('data', { e: '3' });
  await engine.settled();
  const since = Number(first.finished) + 1;
  assert.deepEqual(await lines(engine, { pipeline, since }), ['e says 3']);
  assert.deepEqual((await lines(engine, { pipeline, until: since - 1 })).sort(), [
    'd/x says 1',
    'e says 2',
  ]);
  assert.deepEqual(await lines(engine, { pipeline, text: 'says 3' }), ['e says 3']);
  assert.deepEqual(await lines(engine, { pipeline, tail: 2, text: 'e says' }), [
    'e says 2',
    'e says 3',
  ]);
});

it('following a pipeline goes from job to job, and a path chooses in each', async (t) => {
  const engine = await opened(t);
  const stop = new AbortController();
  const found: string[] = [];
  const [second, third] = [new Latch(), new Latch()];
  const following = (async () => {
    const wanted = { pipeline, follow: true, path: '/e', signal: stop.signal };
    for await (const { record } of search(engine, wanted)) {
      found.push(record.message);
      if (found.length > 1) {
        (found.length === 2 ? second : third).open();
      }
    }
  })();
  await engine.put('data', { e: '3' });
  await second.opened;
  await engine.put('data', { e: '4', 'd/x': 'other' });
  await engine.settled();
  await third.opened;
  stop.abort();
  await following.catch(() => undefined);
  assert.deepEqual(found, ['e says 2', 'e says 3', 'e says 4']);
});

it('the jobs of one set are followed side by side', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  const go = new Latch();
  engine.executor.setCode('first', async (run) => {
    await run.print('first begins\n');
    await go.opened;
    await run.print('first ends\n');
  });
  engine.executor.setCode('second', (run) => run.print('second\n'));
  await engine.pipeline([
    { name: 'first', input: 'data' },
    { name: 'second', input: 'data' },
  ]);
  await engine.settled();
  const { id } = await engine.put('data', { a: '1' });
  const found: string[] = [];
  for await (const { record } of search(engine, { job: id, follow: true })) {
    found.push(record.message);
    if (found.includes('second') && found.includes('first begins')) {
      go.open();
    }
  }
  assert.deepEqual(found.slice(0, 2).sort(), ['first begins', 'second']);
  assert.equal(found[2], 'first ends');
});

it('the last lines of a pipeline that says little are looked for in so many jobs, and it says so', async (t) => {
  const store = new CountingStore();
  const engine = await TestEngine.start(t, { store, idle: true });
  await engine.repos('data');
  await engine.pipeline({ name: 'say', input: 'data' });
  for (let i = 0; i < 110; i++) {
    await engine.put('data', { e: String(i) });
  }
  const found = await lines(engine, { pipeline, tail: 5 });
  assert.deepEqual([found.length, /more than 100 jobs/.test(found[0] ?? '')], [1, true]);
  // Each is looked at for how many lines there are, and for the lines.
  assert.ok(store.lists <= 202, String(store.lists));
  store.lists = 0;
  assert.deepEqual(await lines(engine, { pipeline, tail: 5, text: 'x' }), []);
  assert.ok(store.lists >= 220, 'who says which lines has all jobs looked at');
});

class CountingStore extends MemoryObjectStore {
  lists = 0;

  override list(...[prefix, options]: Parameters<MemoryObjectStore['list']>) {
    this.lists += Number(prefix.startsWith('logs/'));
    return super.list(prefix, options);
  }
}
