import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { PackIndex } from '../../../engine/object/pack-index.ts';
import type { ObjectKind, PackEntry } from '../../../engine/object/pack-ref.ts';
import { PackTable } from '../../../engine/object/pack-table.ts';
import { newSeed } from './pack-rig.ts';

const KINDS: readonly ObjectKind[] = ['commit', 'tree', 'blob', 'tag'];
const random = new SeededRandom(newSeed());

function randomEntries(count: number, idBytes: number): PackEntry[] {
  let offset = 12;
  return Array.from({ length: count }, (_, i) => {
    const stored = 1 + Math.floor(random.fraction() * 1000);
    offset += stored;
    return {
      id: random.bytes(idBytes).toString('hex'),
      kind: idBytes === 32 ? 'chunk' : (KINDS[i % 4] ?? 'blob'),
      offset: offset - stored,
      stored,
      size: Math.floor(random.fraction() * 2 ** 45),
      files: Math.floor(random.fraction() * 2 ** 32),
    };
  });
}

for (const idBytes of [20, 32]) {
  for (const count of [0, 1, 2, 1000]) {
    it(`gives back each of ${count} entries with ids of ${idBytes} bytes`, () => {
      const entries = randomEntries(count, idBytes);
      const index = PackIndex.parse(PackIndex.build(entries, 123_456).bytes, 'key');
      assert.equal(index.count, count);
      assert.equal(index.packBytes, 123_456);
      for (const entry of entries) {
        const position = index.find(Buffer.from(entry.id, 'hex'));
        assert.deepEqual(index.entryAt(position), entry);
      }
      assert.equal(index.find(random.bytes(32)), -1);
      assert.deepEqual(
        [...index.entries()].map((e) => e.id),
        entries.map((e) => e.id).sort(),
      );
    });
  }
}

it('is found damaged whichever bit flips and wherever it is cut, and the key is named', () => {
  const { bytes } = PackIndex.build(randomEntries(5, 20), 99);
  for (let bit = 0; bit < bytes.length * 8; bit += 1 + Math.floor(random.fraction() * 40)) {
    const damaged = Buffer.from(bytes);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(
      () => PackIndex.parse(damaged, 'packs/ab/x.index'),
      (e) => isEngineError(e, 'corrupt') && e.message.includes('packs/ab/x.index'),
      `bit ${bit}`,
    );
  }
  for (const length of [0, 7, 63, 64, 100, bytes.length - 1]) {
    assert.throws(() => PackIndex.parse(bytes.subarray(0, length), 'k'), { code: 'corrupt' });
  }
  assert.throws(() => PackIndex.parse(Buffer.concat([bytes, bytes]), 'k'), { code: 'corrupt' });
});

it('finds ids among thousands of packs, and those of removed packs no more', () => {
  const table = new PackTable();
  const packs = Array.from({ length: 2000 }, () => randomEntries(3, 20));
  const slots = packs.map((entries) => table.add(PackIndex.build(entries, 1)));
  for (const [number, slot] of slots.entries()) {
    if (number % 3 === 0) {
      table.remove(slot);
    }
  }
  // Growing rebuilds the table without the removed.
  const more = randomEntries(5000, 20);
  table.add(PackIndex.build(more, 1));
  for (const [number, entries] of packs.entries()) {
    for (const { id } of entries) {
      const hit = table.find(Buffer.from(id, 'hex'));
      assert.equal(hit?.slot, number % 3 === 0 ? undefined : slots[number]);
    }
  }
  assert.ok(more.every(({ id }) => table.find(Buffer.from(id, 'hex'))));
});

it('finds an id in another pack when one of the packs that have it is removed', () => {
  const table = new PackTable();
  const [entry] = randomEntries(1, 20);
  assert.ok(entry);
  const first = table.add(PackIndex.build([entry], 1));
  const second = table.add(PackIndex.build([entry], 1));
  const id = Buffer.from(entry.id, 'hex');
  table.remove(first);
  assert.equal(table.find(id)?.slot, second);
  table.remove(second);
  assert.equal(table.find(id), undefined);
});
