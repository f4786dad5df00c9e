import assert from 'node:assert/strict';
import { it } from 'node:test';
import { IdMaker } from '../../../engine/base/ids.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { History, type ScanOptions } from '../../../engine/journal/history.ts';
import { Table } from '../../../engine/journal/table.ts';
import { UndoLog } from '../../../engine/journal/undo-log.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { testSeed } from './bank.ts';
import { TestStore } from './test-stores.ts';

function newHistory(store = new TestStore(new MemoryObjectStore())) {
  const ids = new IdMaker(new SystemClock(), new SeededRandom(1));
  const forgotten = new Table<true>('forgotten', new UndoLog());
  const history = new History(store, { ids, forgotten });
  return { store, history };
}

async function keysOf(history: History, options: ScanOptions): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of history.scan(options)) {
    keys.push(key);
  }
  return keys;
}

function expected(model: ReadonlyMap<string, unknown>, options: ScanOptions): string[] {
  const { prefix, from, reverse = false, limit } = options;
  const keys = [...model.keys()].filter(
    (key) =>
      key.startsWith(prefix) && (from === undefined || (reverse ? key <= from : key >= from)),
  );
  keys.sort();
  return (reverse ? keys.reverse() : keys).slice(0, limit);
}

it('history equals a sorted map under random batches, deletions and merges', async (t) => {
  const random = new SeededRandom(testSeed((text) => t.diagnostic(text)));
  const pick = (n: number) => Math.floor(random.fraction() * n);
  const { history } = newHistory();
  const model = new Map<string, unknown>();
  let clock = 0;
  for (let batch = 0; batch < 150; batch++) {
    const records = new Map<string, unknown>();
    for (let i = pick(60); i > 0; i--) {
      clock += 1;
      const isNew = random.fraction() < 0.7;
      const number = isNew ? clock : pick(clock);
      const key = `${['commit', 'job', 'set'][pick(3)]}/${String(number).padStart(6, '0')}`;
      // Long values make pages of few rows, so that merges meet every shape of them.
      const text = 'x'.repeat(pick(2) * pick(30_000));
      records.set(key, random.fraction() < 0.15 ? null : { batch, text, end: null });
    }
    history.use(await history.extend(records), 1);
    for (const [key, value] of records) {
      if (value === null) {
        model.delete(key);
      } else {
        model.set(key, value);
      }
    }
    const some = [...model.keys(), 'job/000000', 'none', 'zzz'];
    for (let i = 0; i < 5; i++) {
      const key = some[pick(some.length)] ?? '';
      assert.deepEqual(await history.get(key), model.get(key));
      const from = some[pick(some.length)] ?? '';
      const options: ScanOptions = {
        prefix: ['', 'commit/', 'job/', 'set/0001', 'zebra'][pick(5)] ?? '',
        reverse: random.fraction() < 0.5,
        ...(random.fraction() < 0.5 ? { from } : {}),
        ...(random.fraction() < 0.5 ? { limit: pick(50) } : {}),
      };
      assert.deepEqual(
        await keysOf(history, options),
        expected(model, options),
        JSON.stringify(options),
      );
    }
  }
  for (const [key, value] of model) {
    assert.deepEqual(await history.get(key), value);
  }
});

it('a hundred thousand finished records are found and scanned by reading few pages', async () => {
  const { store, history } = newHistory();
  let next = 0;
  for (let batch = 0; batch < 100; batch++) {
    const records = new Map<string, unknown>();
    for (let i = 0; i < 1000; i++) {
      records.set(`commit/${String(next).padStart(8, '0')}`, { next, message: `number ${next}` });
      records.set(`job/${String(next).padStart(8, '0')}`, { next });
      next += 1;
    }
    history.use(await history.extend(records), 1);
  }
  let count = 0;
  for await (const { key, value } of history.scan({ prefix: 'commit/' })) {
    assert.equal(key, `commit/${String(count).padStart(8, '0')}`);
    assert.equal((value as { next: number }).next, count);
    count += 1;
  }
  assert.equal(count, 100_000);
  store.gets.length = 0;
  const newest = await keysOf(history, { prefix: 'commit/', reverse: true, limit: 10 });
  assert.equal(newest[0], 'commit/00099999');
  assert.ok(store.gets.length <= 3, `read ${store.gets.length} pages for the newest ten`);
  store.gets.length = 0;
  assert.deepEqual(await history.get('job/00043210'), { next: 43210 });
  assert.ok(store.gets.length <= 3, `read ${store.gets.length} pages for one record`);
});

it('a merge takes over whole pages, but none whose last key another run has too', async () => {
  const { history, store } = newHistory();
  const text = 'x'.repeat(1000);
  const batch = (from: number, value: unknown) =>
    new Map(
      Array.from({ length: 200 }, (_, i) => [`k/${String(from + i).padStart(6, '0')}`, value]),
    );
  for (let run = 0; run < 7; run++) {
    history.use(await history.extend(batch(run * 199, { run, text })), 1);
  }
  store.puts.length = 0;
  history.use(await history.extend(batch(10_000, { run: 7, text })), 1);
  assert.ok(store.puts.length > 2, 'pages that meet are merged');
  for (let run = 0; run < 8; run++) {
    const key = `k/${String(run === 7 ? 10_000 : run * 199).padStart(6, '0')}`;
    assert.deepEqual(await history.get(key), { run, text }, key);
  }
  assert.equal(history.rowCount, 7 * 199 + 1 + 200);
  const keys = await keysOf(history, { prefix: '' });
  assert.equal(new Set(keys).size, keys.length);
});

it('a damaged or missing page is corrupt and named, never "not found"', async () => {
  const bucket = new MemoryObjectStore();
  const { history } = newHistory(new TestStore(bucket));
  history.use(await history.extend(new Map([['commit/1', { a: 1 }]])), 1);
  const keys: string[] = [];
  for await (const { key } of bucket.list('history/')) {
    keys.push(key);
  }
  assert.equal(keys.length, 1);
  const [page = ''] = keys;
  const bytes = await bucket.get(page);
  await bucket.put(page, bytes.subarray(0, 20));
  await assert.rejects(history.get('commit/1'), { code: 'corrupt', message: new RegExp(page) });
  await bucket.delete(page);
  await assert.rejects(history.get('commit/1'), { code: 'corrupt' });
  await bucket.put(page, bytes);
  assert.deepEqual(await history.get('commit/1'), { a: 1 });
});

it('a page that could not be read is read again the next time', async () => {
  const { store, history } = newHistory();
  history.use(await history.extend(new Map([['commit/1', { a: 1 }]])), 1);
  store.faults = { before: 1 };
  const failing = new TestStore(store, new SeededRandom(1));
  failing.faults = { before: 1 };
  const { history: other } = newHistory(failing);
  other.use(await history.extend(new Map()), 1);
  await assert.rejects(other.get('commit/1'), { code: 'unavailable' });
  failing.faults = {};
  assert.deepEqual(await other.get('commit/1'), { a: 1 });
});
