import assert from 'node:assert/strict';
import { it } from 'node:test';
import { depthOf, rangeAt } from '../../../web/parts/visible-range.ts';

const SEEN = 900;

it('the rows that are drawn cover what can be seen, and all of the list has its height', () => {
  const list = { count: 1000, rowHeight: 30, seen: SEEN };
  for (let depth = 0; depth <= 29_100; depth += 97) {
    const { first, end, before, after } = rangeAt(depth, list);
    assert.ok(before <= depth && before + (end - first) * 30 >= Math.min(30_000, depth + SEEN));
    assert.equal(before + (end - first) * 30 + after, 30_000);
    assert.equal(before, first * 30);
  }
});

it('of a list that is too high for browsers, every row comes in sight on the way from top to end', () => {
  const [count, rowHeight] = [1_000_000, 36];
  const list = { count, rowHeight, seen: SEEN };
  const height = 12_000_000;
  let last = -1;
  for (let depth = 0; depth <= height - SEEN; depth += 150) {
    const { first, end, before, after } = rangeAt(depth, list);
    assert.ok(first <= last + 1, `row ${last + 1} was skipped`);
    last = end - 1;
    assert.ok(before <= depth && before + (end - first) * rowHeight >= depth + SEEN);
    assert.ok(Math.abs(before + (end - first) * rowHeight + after - height) < 1500);
  }
  assert.equal(rangeAt(height - SEEN, list).end, count);
});

it('a short or empty list is drawn whole', () => {
  assert.deepEqual(rangeAt(0, { count: 0, rowHeight: 30, seen: SEEN }), {
    first: 0,
    end: 0,
    before: 0,
    after: 0,
  });
  assert.equal(rangeAt(500, { count: 3, rowHeight: 30, seen: SEEN }).end, 3);
});

it('a list is scrolled to any of its rows, however many there are', () => {
  for (const count of [1000, 1_000_000]) {
    const list = { count, rowHeight: 36, seen: SEEN };
    for (const row of [0, 13, count / 4, count / 2, count - 100]) {
      const depth = depthOf(row, list);
      const { first, before } = rangeAt(depth, list);
      const top = before + (row - first) * 36;
      const at = top - depth;
      // Near the top of a list that is too high, rows are further down.
      assert.ok(at > -36 && at < SEEN / 2, `row ${row} of ${count} is at ${at}`);
    }
  }
});
