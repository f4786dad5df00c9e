import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deflateSync, inflateSync } from 'node:zlib';
import { SeededRandom } from '../../../engine/base/random.ts';
import {
  compressIfPaying,
  decodeEntry,
  deflatedEntryBytes,
  storedEntryBytes,
  writeDeflatedEntry,
  writeStoredEntry,
} from '../../../engine/git/pack-format.ts';
import { adler32 } from '../../../engine/object/adler32.ts';
import { newSeed } from '../object/pack-rig.ts';

const random = new SeededRandom(newSeed());
const LENGTHS = [
  0, 1, 7, 8, 15, 16, 17, 2047, 2048, 5551, 5552, 5553, 65_535, 65_536, 131_071, 300_000,
];

function storedEntry(content: Buffer): Buffer {
  const entry = Buffer.alloc(storedEntryBytes(content.length));
  writeStoredEntry(entry, 'blob', content);
  return entry;
}

it('sums as zlib does', () => {
  for (const length of LENGTHS) {
    for (const bytes of [random.bytes(length), Buffer.alloc(length, 0xff)]) {
      assert.equal(adler32(bytes), deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4));
    }
  }
});

it('writes zlib streams that zlib reads, and reads them back itself', async () => {
  for (const length of LENGTHS) {
    const content = random.bytes(length);
    const entry = storedEntry(content);
    const start = entry.indexOf(Buffer.from([0x78, 0x01]));
    assert.deepEqual(inflateSync(entry.subarray(start)), content);
    assert.deepEqual(await decodeEntry(entry), { kind: 'blob', content });
  }
});

it('reads entries that others compressed', async () => {
  for (const length of LENGTHS) {
    for (const level of [0, 1, 9]) {
      const content = Buffer.alloc(length, `text ${level} `);
      const deflated = deflateSync(content, { level });
      const entry = Buffer.alloc(deflatedEntryBytes(length, deflated));
      writeDeflatedEntry(entry, { kind: 'tree', size: length, deflated });
      assert.deepEqual(await decodeEntry(entry), { kind: 'tree', content });
    }
  }
});

it('compresses what it pays for, and only that', async () => {
  assert.equal(compressIfPaying(random.bytes(100_000)), undefined);
  assert.equal(compressIfPaying(Buffer.alloc(4096)), undefined);
  const text = Buffer.alloc(100_000, 'five,six,seven\n');
  const deflated = await compressIfPaying(text);
  assert.ok(deflated && deflated.length < 10_000);
  assert.deepEqual(inflateSync(deflated), text);
});

it('finds entries cut short, of unknown type, or longer than they say', async () => {
  const content = Buffer.alloc(200_000, 'some text ');
  const stored = storedEntry(content.subarray(0, 1000));
  const deflated = deflateSync(content);
  const packed = Buffer.alloc(deflatedEntryBytes(content.length, deflated));
  writeDeflatedEntry(packed, { kind: 'blob', size: content.length, deflated });
  const lying = Buffer.alloc(deflatedEntryBytes(100, deflated));
  writeDeflatedEntry(lying, { kind: 'blob', size: 100, deflated });
  const delta = Buffer.from(stored);
  delta[0] = ((delta[0] ?? 0) & 0x8f) | (6 << 4);
  const damaged = [
    stored.subarray(0, 500),
    packed.subarray(0, packed.length - 5),
    lying,
    delta,
    Buffer.alloc(0),
    Buffer.alloc(10, 0xff),
  ];
  for (const entry of damaged) {
    await assert.rejects(async () => decodeEntry(entry), { code: 'corrupt' });
  }
});
