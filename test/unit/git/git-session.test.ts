import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { GitReader } from '../../../engine/git/git-reader.ts';
import { GitWriter } from '../../../engine/git/git-writer.ts';
import { EMPTY_TREE, objectId } from '../../../engine/git/object-id.ts';
import { compareEntries, type TreeEntry } from '../../../engine/git/tree.ts';
import { packKey } from '../../../engine/object/keys.ts';
import { newRig, newSeed, type Rig } from '../object/pack-rig.ts';

const random = new SeededRandom(newSeed());
const person = { name: 'a', email: 'a@b', time: 1 };

const file = (name: string, id: string): TreeEntry => ({ name, mode: '100644', id });
const dir = (name: string, id: string): TreeEntry => ({ name, mode: '40000', id });

function newWriter(rig: Rig): GitWriter {
  return new GitWriter(rig.live, { uploader: rig.uploader });
}

async function publish(rig: Rig, writer: GitWriter) {
  const written = await writer.finish();
  rig.publish(written);
  return written;
}

it('answers at once for a blob where nothing must be waited for', () => {
  const writer = newWriter(newRig());
  const first = writer.blob(Buffer.from('x'));
  assert.ok(first instanceof Promise, 'the first waits for memory');
  return first.then(() => assert.equal(typeof writer.blob(Buffer.from('y')), 'string'));
});

it('names objects as Git does', async () => {
  assert.equal(
    objectId('blob', Buffer.from('hello\n')),
    'ce013625030ba8dba906f756967f9e9ca394464a',
  );
  assert.equal(objectId('tree', Buffer.alloc(0)), EMPTY_TREE);
  const large = Buffer.alloc(300_000, 'z');
  const writer = newWriter(newRig());
  assert.equal(await writer.blob(large), objectId('blob', large));
});

it('stores an object once and names the pack that it relied on', async () => {
  const rig = newRig();
  const first = newWriter(rig);
  const id = await first.blob(Buffer.from('data'));
  assert.equal(await first.blob(Buffer.from('data')), id);
  const { packs } = await publish(rig, first);
  assert.equal(packs[0]?.objects, 1);

  const reopened = rig.reopened();
  const second = new GitWriter(reopened, { uploader: rig.uploader });
  assert.equal(await second.blob(Buffer.from('data')), id);
  assert.deepEqual(await second.finish(), { packs: [], relied: [packs[0]?.id] });
});

it('stores an object again that only a removed pack had', async () => {
  const rig = newRig();
  const first = newWriter(rig);
  await first.blob(Buffer.from('data'));
  const { packs } = await publish(rig, first);
  rig.live.remove(packs[0]?.id ?? '');
  const second = newWriter(rig);
  await second.blob(Buffer.from('data'));
  const written = await second.finish();
  assert.equal(written.packs.length, 1);
  assert.deepEqual(written.relied, []);
});

it('knows sizes and file counts of trees, across sessions, without hidden files', async () => {
  const rig = newRig();
  const first = newWriter(rig);
  const pointer = await first.blob(Buffer.from('pointer'), { logicalSize: 5 * 2 ** 40 });
  const ours = await first.blob(Buffer.from('* -text\n'), { hidden: true });
  const below = await first.tree([file('big', pointer), file('.gitattributes', ours)]);
  await publish(rig, first);
  const hit = await rig.reopened().find(below);
  assert.equal(hit?.entry.size, 5 * 2 ** 40);

  const second = newWriter(rig);
  const small = await second.blob(Buffer.from('abc'));
  const root = await second.tree([dir('d', below), file('s', small), dir('e', EMPTY_TREE)]);
  await publish(rig, second);
  const stat = await new GitReader(rig.reopened()).stat(root);
  assert.deepEqual(stat, { kind: 'tree', size: 5 * 2 ** 40 + 3, files: 2 });
});

it('edits a directory as if it were written anew, sizes included', async () => {
  const rig = newRig();
  const writer = newWriter(rig);
  const a = await writer.blob(Buffer.from('a'));
  const bb = await writer.blob(Buffer.from('bb'));
  const sub = await writer.tree([file('x', a), file('y', bb)]);
  const base = await writer.tree([file('a', a), file('b', bb), dir('sub', sub)]);
  await publish(rig, writer);
  const editor = newWriter(rig);
  const ccc = await editor.blob(Buffer.from('ccc'));
  const edited = await editor.editTree(
    base,
    new Map([
      ['a', null],
      ['b', { mode: '40000', id: sub }],
      ['c', { mode: '100755', id: ccc }],
      ['absent', null],
    ]),
  );
  const entries: TreeEntry[] = [
    dir('b', sub),
    { name: 'c', mode: '100755', id: ccc },
    dir('sub', sub),
  ];
  assert.deepEqual(await editor.readTree(edited), entries);
  assert.deepEqual(await editor.stat(edited), { kind: 'tree', size: 9, files: 5 });
  assert.equal(await newWriter(rig).editTree(base, new Map()), base);
});

it('writes a changed copy of a large directory exactly as a new one', async () => {
  const rig = newRig();
  const writer = newWriter(rig);
  const ids: string[] = [];
  for (let n = 0; n < 20; n++) {
    ids.push(await writer.blob(Buffer.alloc(n)));
  }
  const sub = await writer.tree([file('x', ids[5] ?? '')]);
  const names = Array.from({ length: 600 }, (_, n) => `f${(n * 7919) % 600}`);
  let entries: readonly TreeEntry[] = names.map((name, n) => file(name, ids[n % 20] ?? ''));
  let base = await writer.tree(entries);
  await publish(rig, writer);
  for (let round = 0; round < 40; round++) {
    const session = newWriter(rig);
    const next = new Map((await session.readTree(base)).map((entry) => [entry.name, entry]));
    for (let n = 0; n < 8; n++) {
      const name = `f${Math.floor(random.fraction() * 800)}${random.fraction() < 0.2 ? '.x' : ''}`;
      const dice = random.fraction();
      if (dice < 0.3) {
        next.delete(name);
      } else {
        next.set(name, dice < 0.4 ? dir(name, sub) : file(name, ids[n] ?? ''));
      }
    }
    entries = [...next.values()].sort(compareEntries);
    const edited = await session.tree(entries, { base });
    const anew = newWriter(rig);
    assert.equal(edited, await anew.tree(entries));
    assert.deepEqual(await session.stat(edited), await anew.stat(edited));
    await publish(rig, session);
    base = edited;
  }
  const twice = [...(await newWriter(rig).readTree(base))];
  const [first] = twice;
  assert.ok(first);
  twice.push(first.mode === '40000' ? file(first.name, ids[0] ?? '') : dir(first.name, sub));
  await assert.rejects(newWriter(rig).tree(twice.sort(compareEntries), { base }), {
    code: 'invalid',
  });
});

it('refuses a directory whose entries are not stored, or are not what they are said to be', async () => {
  const writer = newWriter(newRig());
  const blob = await writer.blob(Buffer.from('x'));
  await assert.rejects(writer.tree([file('f', 'ab'.repeat(20))]), { code: 'corrupt' });
  await assert.rejects(writer.tree([dir('f', blob)]), { code: 'internal' });
  await assert.rejects(writer.editTree(EMPTY_TREE, new Map([['f', { mode: '40000', id: blob }]])), {
    code: 'internal',
  });
});

it('makes one pack of a batch of sessions', async () => {
  const rig = newRig();
  const batch = newWriter(rig);
  const ids: string[] = [];
  for (let n = 0; n < 25; n++) {
    const one = newWriter(rig);
    ids.push(await one.blob(random.bytes(3000)));
    batch.absorb(one);
  }
  const tree = await batch.tree(ids.map((id, n) => file(`f${n}`, id)));
  const { packs } = await publish(rig, batch);
  assert.equal(packs.length, 1);
  const reader = new GitReader(rig.reopened());
  for (const { id } of await reader.readTree(tree)) {
    assert.equal((await reader.readBlob(id)).length, 3000);
  }
});

it('stores what many callers hand in at the same time', async () => {
  const rig = newRig({ budgetBytes: 100_000 });
  const writer = newWriter(rig);
  const blobs = Array.from({ length: 300 }, (_, n) =>
    n % 3 ? random.bytes(5000) : Buffer.alloc(40_000, `compresses ${n % 30} `),
  );
  const ids = await Promise.all(blobs.map((bytes) => writer.blob(bytes)));
  await publish(rig, writer);
  const reader = new GitReader(rig.reopened());
  for (const [n, id] of ids.entries()) {
    assert.deepEqual(await reader.readBlob(id), blobs[n]);
  }
});

it('relies on the packs of all that is below an object', async () => {
  const rig = newRig();
  const first = newWriter(rig);
  const leaf = await first.blob(Buffer.from('leaf'));
  const one = await publish(rig, first);
  const second = newWriter(rig);
  const sub = await second.tree([file('leaf', leaf)]);
  const two = await publish(rig, second);
  const third = newWriter(rig);
  await third.rely(sub);
  const { packs, relied } = await third.finish();
  assert.deepEqual(packs, []);
  assert.deepEqual(relied.sort(), [one.packs[0]?.id, two.packs[0]?.id].sort());
});

it('names the object and the pack when bytes of a pack are damaged', async () => {
  const rig = newRig();
  const writer = newWriter(rig);
  const contents = [random.bytes(3000), Buffer.alloc(300_000, 'compressed '), random.bytes(70_000)];
  const ids: string[] = [];
  for (const content of contents) {
    ids.push(await writer.blob(content));
  }
  const { packs } = await publish(rig, writer);
  const [pack] = packs;
  assert.ok(pack);
  const whole = Buffer.from(await rig.store.get(packKey(pack.id)));
  for (const id of ids) {
    const entry = pack.index.entryAt(pack.index.find(Buffer.from(id, 'hex')));
    for (let round = 0; round < 30; round++) {
      const damaged = Buffer.from(whole);
      const at = entry.offset + Math.floor(random.fraction() * entry.stored);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random.fraction() * 8));
      await rig.store.put(packKey(pack.id), damaged);
      const read = new GitReader(rig.reopened()).readBlob(id);
      try {
        // A bit outside the content, as in the checksum of the stream, may be harmless; wrong bytes never are.
        const bytes = await read;
        assert.equal(objectId('blob', bytes), id);
      } catch (error) {
        const { code, message } = error as { code: string; message: string };
        assert.equal(code, 'corrupt');
        assert.ok(message.includes(id) && message.includes(pack.id), message);
      }
    }
  }
  await rig.store.put(packKey(pack.id), whole.subarray(0, whole.length / 2));
  await assert.rejects(new GitReader(rig.reopened()).readBlob(ids[2] ?? ''), { code: 'corrupt' });
});

it('refuses commits that Git would not read back', async () => {
  const writer = newWriter(newRig());
  const base = { tree: EMPTY_TREE, parents: [], author: person, committer: person };
  const good = { ...base, message: 'm', trailers: [] };
  await assert.rejects(writer.commit({ ...good, message: 'a\0b' }), { code: 'invalid' });
  await assert.rejects(writer.commit({ ...good, author: { ...person, name: 'a<b' } }), {
    code: 'invalid',
  });
  await assert.rejects(writer.commit({ ...good, author: { ...person, name: '' } }), {
    code: 'invalid',
  });
  await assert.rejects(writer.commit({ ...good, trailers: [{ key: 'A', value: 'b\nc' }] }), {
    code: 'invalid',
  });
  const id = await writer.commit({ ...good, message: 'Pfs-Commit: not a trailer' });
  assert.deepEqual((await writer.readCommit(id)).trailers, []);
});
