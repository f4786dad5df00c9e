import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { applyDelta, insertedBytes, parseDelta, treeDelta } from '../../../engine/git/delta.ts';
import { GitReader } from '../../../engine/git/git-reader.ts';
import { GitWriter } from '../../../engine/git/git-writer.ts';
import { objectId } from '../../../engine/git/object-id.ts';
import {
  deltaEntry,
  GIT_PACK,
  storedEntryBytes,
  writeStoredEntry,
} from '../../../engine/git/pack-format.ts';
import { decodeTree, encodeTree, type TreeEntry } from '../../../engine/git/tree.ts';
import { PackIndex } from '../../../engine/object/pack-index.ts';
import { PackWriter } from '../../../engine/object/pack-writer.ts';
import { newRig, newSeed } from '../object/pack-rig.ts';
import { layOut } from './bare-repo.ts';

const seed = newSeed();
const random = new SeededRandom(seed);

function randomTree(count: number): TreeEntry[] {
  const names = new Set(Array.from({ length: count }, () => `n${random.bytes(2).toString('hex')}`));
  return [...names].map(randomEntry);
}

function randomEntry(name: string): TreeEntry {
  const mode = random.fraction() < 0.2 ? '40000' : '100644';
  return { name, mode, id: random.bytes(20).toString('hex') };
}

/** Returns a copy in which some entries are gone, some changed and some new. */
function edited(entries: readonly TreeEntry[]): TreeEntry[] {
  const kept = entries.filter(() => random.fraction() < 0.95);
  const changed = kept.map((entry) => (random.fraction() < 0.05 ? randomEntry(entry.name) : entry));
  const names = new Set(kept.map(({ name }) => name));
  return [...changed, ...randomTree(5).filter(({ name }) => !names.has(name))];
}

it('a delta of a tree gives the tree back, and inserts whole entries that its base does not have', () => {
  for (let round = 0; round < 200; round++) {
    const base = randomTree(round);
    const target = round % 7 === 0 ? randomTree(round) : edited(base);
    const [from, to] = [encodeTree(base), encodeTree(target)];
    const delta = treeDelta(from, to, to.length * 2 + 100);
    assert.ok(delta);
    assert.ok(applyDelta(from, delta).equals(to), `round ${round}`);
    const had = new Set(base.map((entry) => JSON.stringify(entry)));
    const isNew = (entry: TreeEntry) =>
      !had.has(JSON.stringify({ name: entry.name, mode: entry.mode, id: entry.id }));
    const wanted = decodeTree(to).filter(isNew);
    assert.deepEqual(decodeTree(insertedBytes(delta)), wanted);
  }
});

it('a delta that would be too long is not made', () => {
  const to = encodeTree(randomTree(100));
  assert.equal(treeDelta(encodeTree(randomTree(100)), to, 100), undefined);
});

it('copies of more than 16 MiB and from far away are possible', () => {
  const entries = Array.from({ length: 450_000 }, (_, i) => ({
    name: `file-${String(i).padStart(7, '0')}`,
    mode: '100644' as const,
    id: '0123456789abcdef0123456789abcdef01234567',
  }));
  const from = encodeTree(entries);
  const to = encodeTree(entries.filter((_, i) => i !== 449_990));
  const delta = treeDelta(from, to, 1000);
  assert.ok(delta && delta.length < 50);
  assert.ok(applyDelta(from, delta).equals(to));
});

it('a damaged delta is refused, whatever it says', () => {
  const from = encodeTree(randomTree(50));
  const delta = treeDelta(from, encodeTree(edited(decodeTree(from))), 10_000) ?? Buffer.alloc(0);
  const cases = [delta.subarray(0, -1), Buffer.concat([delta, Buffer.from([0])]), Buffer.alloc(0)];
  for (const bad of cases) {
    assert.throws(
      () => parseDelta(bad).parts.length === 0 || applyDelta(from, bad),
      (error) => isEngineError(error, 'corrupt'),
    );
  }
  assert.throws(
    () => applyDelta(from.subarray(1), delta),
    (error) => isEngineError(error, 'corrupt'),
  );
});

it('a chain of deltas is read by us and by stock Git, and an index says what is a delta', async () => {
  const rig = newRig({ seed });
  const session = new GitWriter(rig.live, { uploader: rig.uploader });
  const blob = await session.blob(Buffer.from('content'));
  const versions: TreeEntry[][] = [
    Array.from({ length: 300 }, (_, i) => ({ name: `f${i}`, mode: '100644', id: blob })),
  ];
  for (let i = 1; i < 5; i++) {
    versions.push([...(versions[i - 1] ?? []), { name: `g${i}`, mode: '100755', id: blob }]);
  }
  const commits: string[] = [];
  for (const entries of versions) {
    const tree = objectId('tree', encodeTree(entries));
    commits.push(
      await session.commit({
        tree,
        parents: commits.slice(-1),
        author: { name: 'a', email: 'a@b', time: 1 },
        committer: { name: 'a', email: 'a@b', time: 1 },
        message: '',
        trailers: [],
      }),
    );
  }
  const plain = await session.finish();
  const writer = new PackWriter({
    container: GIT_PACK,
    uploader: rig.uploader,
    cache: rig.cache,
  });
  let before: { id: string; content: Buffer } | undefined;
  for (const entries of versions) {
    const content = encodeTree(entries);
    const id = objectId('tree', content);
    const delta = before && treeDelta(before.content, content, 1000);
    const stat = { kind: 'tree', size: 7 * entries.length, files: entries.length } as const;
    if (before && delta) {
      const entry = await deltaEntry(before.id, delta);
      await writer.room(entry.length);
      entry.copy(writer.add(id, { ...stat, base: before.id }, entry.length));
    } else {
      const bytes = storedEntryBytes(content.length);
      await writer.room(bytes);
      writeStoredEntry(writer.add(id, stat, bytes), 'tree', content);
    }
    before = { id, content };
  }
  const packs = await writer.finish();
  rig.publish({ packs: [...plain.packs, ...packs] });
  const [pack] = packs;
  assert.ok(pack);
  const index = PackIndex.parse(Buffer.from(pack.index.bytes), 'key');
  assert.equal(index.bytes.readUInt32BE(8), 2);
  assert.equal([...index.entries()].filter(({ base }) => base !== undefined).length, 4);

  const reader = new GitReader(rig.reopened());
  for (const entries of versions) {
    const content = encodeTree(entries);
    const id = objectId('tree', content);
    assert.deepEqual(await reader.readTree(id), decodeTree(content));
    assert.deepEqual(await reader.stat(id), {
      kind: 'tree',
      size: 7 * entries.length,
      files: entries.length,
    });
  }
  const ids = versions.map((entries) => objectId('tree', encodeTree(entries)));
  const many: string[] = [];
  for await (const { id, kind } of new GitReader(rig.reopened()).readMany(ids)) {
    assert.equal(kind, 'tree');
    many.push(id);
  }
  assert.deepEqual(many.sort(), [...ids].sort());

  const repo = await layOut(rig.store, [...plain.packs, ...packs], commits.at(-1) ?? '');
  try {
    repo.git(['fsck', '--strict', '--full']);
    const listed = repo.git(['ls-tree', 'HEAD']).toString().trim().split('\n');
    assert.equal(listed.length, 304);
  } finally {
    repo.remove();
  }
});
