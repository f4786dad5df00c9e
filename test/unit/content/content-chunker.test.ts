import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import {
  Chunker,
  MAX_CHUNK_BYTES,
  MIN_CHUNK_BYTES,
  NORMAL_CHUNK_BYTES,
} from '../../../engine/content/chunker.ts';
import { GEAR } from '../../../engine/content/gear.ts';
import { newSeed } from '../object/pack-rig.ts';

const MiB = 1024 * 1024;

/** Bytes that look random, the same for ever: a stream of hashes of a counter. */
function noise(length: number, name: string): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let block = createHash('sha512').update(name).digest();
  for (let at = 0; at < length; at += 64) {
    block = createHash('sha512').update(block).digest();
    block.copy(bytes, at);
  }
  return bytes;
}

/** Lengths of the chunks of a stream that comes in pieces of the lengths that `piece` gives. */
function cut(bytes: Buffer, piece: () => number): number[] {
  const chunker = new Chunker();
  const lengths: number[] = [];
  let open = 0;
  for (let start = 0; start < bytes.length; ) {
    const part = bytes.subarray(start, start + piece());
    for (let from = 0; from < part.length; ) {
      const end = chunker.next(part, from);
      open += (end < 0 ? part.length : end) - from;
      from = end < 0 ? part.length : end;
      if (end >= 0) {
        lengths.push(open);
        open = 0;
      }
    }
    assert.equal(chunker.length, open);
    start += part.length;
  }
  return open > 0 ? [...lengths, open] : lengths;
}

/** The definition, step by step: every byte hashed, no skipping. */
function cutPlainly(bytes: Buffer): number[] {
  const lengths: number[] = [];
  let hash = 0;
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    hash = ((hash << 1) + (GEAR[byte] ?? 0)) >>> 0;
    length += 1;
    const zeros = Math.clz32(hash);
    const wanted = length <= NORMAL_CHUNK_BYTES ? 23 : 22;
    if ((length >= MIN_CHUNK_BYTES && zeros >= wanted) || length === MAX_CHUNK_BYTES) {
      lengths.push(length);
      hash = 0;
      length = 0;
    }
  }
  return length > 0 ? [...lengths, length] : lengths;
}

const GOLDEN_GEAR = [-1946154554, -1486358904, 289034042, 148899778];
const GOLDEN_TABLE = '1f18631d779d515558380619141839c072f349ed37dc0288e8643027d4577ff2';
const GOLDEN_CUTS = [6122107, 4911541, 4525028, 4115236, 11701259, 2179261];

const sample = noise(32 * MiB, 'golden');

it('cuts the same bytes in the same places for ever', () => {
  assert.deepEqual([...GEAR.subarray(0, 4)], GOLDEN_GEAR);
  const all = createHash('sha256').update(GEAR).digest('hex');
  assert.equal(all, GOLDEN_TABLE);
  assert.deepEqual(
    cut(sample, () => MiB),
    GOLDEN_CUTS,
  );
});

it('cuts as its definition says', () => {
  const part = sample.subarray(5 * MiB, 25 * MiB);
  assert.deepEqual(
    cut(part, () => part.length),
    cutPlainly(part),
  );
});

it('cuts the same however the stream is split', () => {
  const random = new SeededRandom(newSeed());
  for (const most of [70_000, 5 * MiB]) {
    const piece = () => 1 + Math.floor(random.fraction() * most);
    assert.deepEqual(cut(sample, piece), GOLDEN_CUTS);
  }
});

it('cuts at the longest length where nothing else does, and keeps short files whole', () => {
  const zeros = Buffer.alloc(33 * MiB);
  const lengths = cut(zeros, () => 3 * MiB);
  assert.ok(lengths.every((length) => length <= MAX_CHUNK_BYTES));
  assert.equal(
    lengths.reduce((sum, length) => sum + length, 0),
    zeros.length,
  );
  assert.deepEqual(
    cut(zeros.subarray(0, MIN_CHUNK_BYTES - 1), () => 1000),
    [MIN_CHUNK_BYTES - 1],
  );
  assert.deepEqual(
    cut(zeros.subarray(0, 1), () => 1),
    [1],
  );
});
