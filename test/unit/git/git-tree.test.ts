import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Random, SeededRandom } from '../../../engine/base/random.ts';
import {
  compareEntries,
  decodeTree,
  encodeTree,
  type TreeEntry,
  type TreeMode,
} from '../../../engine/git/tree.ts';
import { editTree } from '../../../engine/git/tree-edit.ts';
import { newSeed } from '../object/pack-rig.ts';

const id = 'ab'.repeat(20);
const LETTERS = ['a', 'b', '.', '-', '0', 'ü', '\uffee', '😀', ' ', '日'];
const random = new SeededRandom(newSeed());

function randomName(from: Random): string {
  const length = 1 + Math.floor(from.fraction() * 4);
  const letters = Array.from({ length }, () => LETTERS[Math.floor(from.fraction() * 10)]);
  return `n${letters.join('')}`;
}

function randomEntry(name: string): TreeEntry {
  const modes: TreeMode[] = ['100644', '100755', '120000', '40000'];
  const mode = modes[Math.floor(random.fraction() * 4)] ?? '100644';
  return { name, mode, id: random.bytes(20).toString('hex') };
}

/** Git's order by its definition: bytes of the names, directories as if ending in a slash. */
function byBytes(a: TreeEntry, b: TreeEntry): number {
  const key = (e: TreeEntry) => Buffer.from(e.mode === '40000' ? `${e.name}/` : e.name);
  return key(a).compare(key(b));
}

it('orders names as Git does, also beyond ASCII', () => {
  for (let round = 0; round < 20_000; round++) {
    const a = randomEntry(randomName(random));
    const b = randomEntry(randomName(random));
    assert.equal(Math.sign(compareEntries(a, b)), Math.sign(byBytes(a, b)), JSON.stringify([a, b]));
  }
});

it('gives back the entries of a tree in order', () => {
  const names = new Set(Array.from({ length: 500 }, () => randomName(random)));
  const entries = Array.from(names, randomEntry);
  assert.deepEqual(decodeTree(encodeTree(entries)), [...entries].sort(byBytes));
  assert.deepEqual(decodeTree(encodeTree([])), []);
});

it('refuses a name given twice, also as file and directory, and bad names', () => {
  const file: TreeEntry = { name: 'a', mode: '100644', id };
  assert.throws(() => encodeTree([file, file]), /"a" is in it twice/);
  assert.throws(
    () => encodeTree([file, { ...file, name: 'a.b' }, { ...file, mode: '40000' }]),
    /"a" is in it twice/,
  );
  assert.throws(() => encodeTree([{ ...file, name: '.git' }]), { code: 'invalid' });
  assert.throws(() => encodeTree([{ ...file, id: 'ab' }]), { code: 'internal' });
});

it('finds a tree that is cut short or has an unknown mode', () => {
  const bytes = encodeTree([{ name: 'abc', mode: '100644', id }]);
  for (let length = 1; length < bytes.length; length++) {
    assert.throws(() => decodeTree(bytes.subarray(0, length)), { code: 'corrupt' });
  }
  assert.throws(
    () => decodeTree(Buffer.from(bytes.toString('latin1').replace('100644', '160000'), 'latin1')),
    {
      code: 'invalid',
    },
  );
});

it('edits stored trees as if they were written anew', () => {
  for (let round = 0; round < 300; round++) {
    const entries = new Map<string, TreeEntry>();
    for (let n = Math.floor(random.fraction() * 40); n > 0; n--) {
      const name = randomName(random);
      entries.set(name, randomEntry(name));
    }
    const before = encodeTree([...entries.values()]);
    const changes = new Map<string, TreeEntry | null>();
    const gone: string[] = [];
    for (let n = Math.floor(random.fraction() * 10); n > 0; n--) {
      const names = [...entries.keys()];
      const known = names[Math.floor(random.fraction() * names.length)];
      const name = known && random.fraction() < 0.5 ? known : randomName(random);
      changes.set(name, random.fraction() < 0.4 ? null : randomEntry(name));
    }
    for (const [name, change] of changes) {
      const old = entries.get(name);
      gone.push(...(old ? [old.id] : []));
      entries.delete(name);
      if (change) {
        entries.set(name, change);
      }
    }
    const { content, removed } = editTree(before, changes);
    assert.deepEqual(decodeTree(content), [...entries.values()].sort(byBytes));
    assert.deepEqual([...removed].sort(), gone.sort());
  }
});
