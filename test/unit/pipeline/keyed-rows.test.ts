import assert from 'node:assert/strict';
import { it } from 'node:test';
import { gatherByKey, type KeyedSource } from '../../../engine/pipeline/keyed-rows.ts';
import { collect } from './specs.ts';

/** A source of numbers, the key of each being its remainder, that counts how often it is gone through. */
function numbers(count: number, keys: number): KeyedSource<number> & { passes: number } {
  return {
    passes: 0,
    async *items() {
      this.passes += 1;
      for (let item = 0; item < count; item++) {
        yield [`key ${item % keys}`, item] as const;
      }
    },
  };
}

it('gathers in one pass what may be held, keys in the order in which they came', async () => {
  const source = numbers(10, 3);
  const found = await collect(gatherByKey([source], { maxHeld: 10 }));
  assert.deepEqual(found, [[[0, 3, 6, 9]], [[1, 4, 7]], [[2, 5, 8]]]);
  assert.equal(source.passes, 1);
});

it('gathers the same in several passes where there is more, every key once and whole', async () => {
  const sources = [numbers(5000, 700), numbers(3000, 900)];
  const whole = await collect(gatherByKey(sources));
  assert.equal(whole.length, 900);
  const before = sources.map(({ passes }) => passes);
  const parts = await collect(gatherByKey(sources, { maxHeld: 1000 }));
  const sorted = (list: typeof whole) => list.map((lists) => JSON.stringify(lists)).sort();
  assert.deepEqual(sorted(parts), sorted(whole));
  const passes = sources.map((source, index) => source.passes - (before[index] ?? 0));
  // One that ends early, one that counts, and one for each part of at most a thousand.
  assert.ok((passes[1] ?? 0) >= 9 && (passes[1] ?? 0) <= 14, `${passes} passes`);
});

it('never holds more than it may, but for the items of one bucket', async () => {
  let held = 0;
  let most = 0;
  const source: KeyedSource<{ n: number }> = {
    async *items() {
      held = 0;
      for (let n = 0; n < 20_000; n++) {
        yield [String(n), { n }] as const;
      }
    },
  };
  for await (const [list = []] of gatherByKey([source], { maxHeld: 500 })) {
    held += list.length;
    most = Math.max(most, held);
  }
  assert.ok(most <= 500, `${most} of one part`);
});

it('yields the same order each time', async () => {
  const order = () => collect(gatherByKey([numbers(2000, 500)], { maxHeld: 300 }));
  assert.deepEqual(await order(), await order());
});

it('gathers nothing from nothing', async () => {
  assert.deepEqual(await collect(gatherByKey([numbers(0, 1)])), []);
  assert.deepEqual(await collect(gatherByKey([numbers(0, 1)], { maxHeld: 0 })), []);
});
