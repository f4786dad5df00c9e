import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { copyBytes } from '../../../engine/object/copy-bytes.ts';

const own = (length: number): Buffer => Buffer.alloc(length, 1);
const shared = (length: number): Buffer => Buffer.from(new SharedArrayBuffer(length)).fill(1);

it('copies what it is given and nothing else, whichever side is shared', () => {
  for (const [from, to] of [
    [own, own],
    [own, shared],
    [shared, own],
    [shared, shared],
  ] as const) {
    for (const length of [0, 1, 511, 512, 513, 4096, 100_003]) {
      for (const [skip, at] of [
        [0, 0],
        [3, 8],
        [8, 5],
      ] as const) {
        const bytes = randomBytes(length);
        const source = from(length + skip);
        source.set(bytes, skip);
        const target = to(length + at + 7);
        copyBytes(target, source.subarray(skip), at);
        const wanted = Buffer.concat([Buffer.alloc(at, 1), bytes, Buffer.alloc(7, 1)]);
        assert.deepEqual(Buffer.from(target), wanted);
      }
    }
  }
});

it('refuses what has no room', () => {
  for (const length of [100, 1000]) {
    assert.throws(() => copyBytes(own(length), own(length), 1), RangeError);
  }
});
