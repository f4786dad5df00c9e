// What the threads answer is what the main thread would have found.

import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { adler32 } from '../../../engine/object/adler32.ts';
import {
  digest,
  hashBlobs,
  isShared,
  StreamHash,
  sharedBuffer,
} from '../../../engine/object/hash-threads.ts';
import { newSeed } from './pack-rig.ts';

const random = new SeededRandom(newSeed());

function shared(bytes: number): Buffer {
  const buffer = sharedBuffer(bytes);
  buffer.set(random.bytes(bytes));
  return buffer;
}

it('digest() hashes pieces of shared and of other memory as one', async () => {
  const pieces = [Buffer.from('head'), shared(100_000), shared(1), shared(70_000).subarray(5, 9)];
  for (const algorithm of ['sha1', 'sha256'] as const) {
    const expected = createHash(algorithm).update(Buffer.concat(pieces)).digest();
    assert.deepEqual(await digest(algorithm, pieces), expected);
  }
});

it('hashBlobs() names contents as Git does, empty and long ones too', async () => {
  const lengths = [0, 1, 4096, 0, 200_000, 131_072, 131_073];
  const memory = shared(lengths.reduce((sum, one) => sum + one, 0));
  const { names, sums } = await hashBlobs(memory, Uint32Array.from(lengths));
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    const content = memory.subarray(at, at + length);
    at += length;
    const name = createHash('sha1').update(`blob ${length}\0`).update(content).digest('hex');
    assert.equal(names.toString('hex', 20 * i, 20 * (i + 1)), name);
    assert.equal(sums[i], adler32(content));
  }
});

it('StreamHash hashes each piece and all of them, side by side with other streams', async () => {
  const streams = Array.from({ length: 5 }, () => {
    const pieces = Array.from({ length: 4 }, () => shared(50_000));
    return { pieces, stream: new StreamHash() };
  });
  await Promise.all(
    streams.map(async ({ pieces, stream }) => {
      const names = await Promise.all(pieces.map((piece) => stream.update(piece)));
      assert.deepEqual(
        names,
        pieces.map((piece) => hash('sha256', piece, 'hex')),
      );
      assert.equal(await stream.end(), hash('sha256', Buffer.concat(pieces), 'hex'));
    }),
  );
});

it('a stream that has ended cannot go on, and the next one can', async () => {
  const stream = new StreamHash();
  await stream.update(shared(10));
  await stream.end();
  await assert.rejects(stream.end(), { code: 'internal' });
  const next = new StreamHash();
  const piece = shared(10);
  await next.update(piece);
  assert.equal(await next.end(), hash('sha256', piece, 'hex'));
});

it('isShared() tells memory that threads see from other memory', () => {
  assert.equal(isShared(sharedBuffer(8).subarray(2)), true);
  assert.equal(isShared(Buffer.alloc(8)), false);
});
