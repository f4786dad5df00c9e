import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { SortedKeys } from '../../../engine/journal/sorted-keys.ts';
import { Table } from '../../../engine/journal/table.ts';
import { UndoLog } from '../../../engine/journal/undo-log.ts';
import { testSeed } from './bank.ts';

interface Item {
  readonly colour: string | null;
  readonly n: number;
}

const COLOURS = ['red', 'green', 'blue', null];

function itemTable(log: UndoLog): Table<Item> {
  return new Table<Item>('items', log).index('colour', (_key, item) => item.colour ?? undefined);
}

function contents(table: Table<Item>): unknown {
  return {
    entries: [...table.entries()],
    size: table.size,
    first: table.firstKey(),
    colours: COLOURS.map((colour) => [...table.keysBy('colour', colour ?? '')]),
  };
}

it('a table keeps entries in the order of keys and finds them by prefix', () => {
  const table = new Table<number>('t', new UndoLog());
  for (const key of ['b/2', 'a', 'c', 'b/1', 'b', 'b/10']) {
    table.set(key, key.length);
  }
  assert.deepEqual([...table.keys()], ['a', 'b', 'b/1', 'b/10', 'b/2', 'c']);
  assert.deepEqual(
    [...table.prefix('b/')],
    [
      ['b/1', 3],
      ['b/10', 4],
      ['b/2', 3],
    ],
  );
  table.delete('b/10');
  table.set('b/0', 0);
  assert.deepEqual(
    [...table.prefix('b/')].map(([key]) => key),
    ['b/0', 'b/1', 'b/2'],
  );
  assert.deepEqual([...table.prefix('d')], []);
});

it('an entry is found under each of its index keys, and under none that it had before', () => {
  const log = new UndoLog();
  const table = new Table<readonly string[]>('t', log).index('tag', (_key, tags) => tags);
  const by = (...tags: readonly string[]) => tags.map((tag) => [...table.keysBy('tag', tag)]);
  table.set('1', ['x', 'y']);
  table.set('2', ['y']);
  assert.deepEqual(by('x', 'y', 'z'), [['1'], ['1', '2'], []]);
  const mark = log.mark();
  table.set('1', ['y', 'z']);
  table.delete('2');
  assert.deepEqual(by('x', 'y', 'z'), [[], ['1'], ['1']]);
  log.rollback(mark);
  assert.deepEqual(by('x', 'y', 'z'), [['1'], ['1', '2'], []]);
});

it('a table may change while it is iterated', () => {
  const table = new Table<number>('t', new UndoLog());
  for (let i = 0; i < 3000; i++) {
    table.set(String(i).padStart(5, '0'), i);
  }
  let seen = 0;
  for (const [key, value] of table.entries()) {
    assert.equal(Number(key), value);
    table.delete(key);
    seen += 1;
  }
  assert.equal(seen, 3000);
  assert.equal(table.size, 0);
  assert.deepEqual([...table.keys()], []);
});

it('rolling back restores entries, order and indexes exactly', (t) => {
  const random = new SeededRandom(testSeed((text) => t.diagnostic(text)));
  const log = new UndoLog();
  const table = itemTable(log);
  const pick = (n: number) => Math.floor(random.fraction() * n);
  const change = () => {
    const key = `k${pick(700)}`;
    if (random.fraction() < 0.4) {
      table.delete(key);
    } else {
      table.set(key, { colour: COLOURS[pick(4)] ?? null, n: pick(1000) });
    }
  };
  for (let round = 0; round < 60; round++) {
    for (let i = pick(100); i > 0; i--) {
      change();
    }
    log.commit();
    const before = structuredClone(contents(table));
    for (let i = pick(40); i > 0; i--) {
      change();
    }
    const mark = log.mark();
    const middle = structuredClone(contents(table));
    for (let i = pick(200); i > 0; i--) {
      change();
    }
    log.rollback(mark);
    assert.deepEqual(contents(table), middle);
    log.rollback(0);
    assert.deepEqual(contents(table), before);
    const fresh = itemTable(new UndoLog());
    for (const [key, value] of table.copy().reverse()) {
      fresh.load(key, value);
    }
    assert.deepEqual(contents(fresh), before);
  }
});

it('a sealed state refuses changes and stays as it was', () => {
  const log = new UndoLog();
  const table = itemTable(log);
  table.set('a', { colour: 'red', n: 1 });
  log.commit();
  log.seal();
  assert.throws(() => table.set('b', { colour: 'red', n: 2 }), { code: 'internal' });
  assert.throws(() => table.delete('a'), { code: 'internal' });
  log.unsealed(() => table.set('c', { colour: null, n: 3 }));
  assert.deepEqual([...table.keys()], ['a', 'c']);
  assert.throws(() => table.delete('a'), { code: 'internal' });
});

it('sorted keys equal a sorted array under random changes', (t) => {
  const random = new SeededRandom(testSeed((text) => t.diagnostic(text)));
  const model = new Set<string>();
  const keys = new SortedKeys();
  for (let i = 0; i < 6000; i++) {
    const key = String(Math.floor(random.fraction() * 3000));
    if (model.has(key)) {
      model.delete(key);
      keys.delete(key);
    } else {
      model.add(key);
      keys.add(key);
    }
  }
  const sorted = [...model].sort();
  const got: string[] = [];
  for (
    let chunk = keys.chunkAfter(undefined);
    chunk.length > 0;
    chunk = keys.chunkAfter(got.at(-1))
  ) {
    got.push(...chunk);
  }
  assert.deepEqual(got, sorted);
  for (const probe of ['', '1', '15', '2999', '9', 'x']) {
    assert.equal(
      keys.ceiling(probe),
      sorted.find((key) => key >= probe),
    );
  }
});
