import assert from 'node:assert/strict';
import { it } from 'node:test';
import { objectId } from '../../../engine/git/object-id.ts';
import type { PackRecord } from '../../../engine/journal/records.ts';
import { newFormat } from '../../../engine/object/format.ts';
import { packIndexKey, packKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { PackIndex } from '../../../engine/object/pack-index.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { ACTOR, createRepos, openTestPfs, type Pfs, put } from '../../support/pfs.ts';
import { check, contents, copyOf, fill, mirror, repair, STORE_ID } from './store-rig.ts';
import { collectOn, compactOn, GRACE, HOUR, keysOf, newUpkeepRig } from './upkeep-rig.ts';

function packs(pfs: Pfs): PackRecord[] {
  return [...pfs.context.journal.state.packs.values()];
}

function flipped(bytes: Buffer, at: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[at] = (damaged[at] ?? 0) ^ 0x10;
  return damaged;
}

/** What may happen to a pack. */
const HARM: Readonly<Record<string, (store: MemoryObjectStore, id: string) => Promise<void>>> = {
  'is deleted': (store, id) => store.delete(packKey(id)),
  'is deleted with its index': async (store, id) => {
    await store.delete(packKey(id));
    await store.delete(packIndexKey(id));
  },
  'is cut short': async (store, id) => {
    const bytes = await store.get(packKey(id));
    await store.put(packKey(id), bytes.subarray(0, bytes.length / 2));
  },
  'has flipped bits': async (store, id) => {
    let bytes = await store.get(packKey(id));
    for (let at = 60; at < bytes.length; at += Math.ceil(bytes.length / 5)) {
      bytes = flipped(bytes, at);
    }
    await store.put(packKey(id), bytes);
  },
};

for (const [how, harm] of Object.entries(HARM)) {
  it(`a merged pack that ${how} is put together again from a mirror that has its objects in others`, async (t) => {
    const store = new MemoryObjectStore();
    const pfs = await fill(t, store);
    const target = new MemoryObjectStore();
    await mirror(store, target);
    await compactOn(pfs);
    const before = await contents(t, store);
    await pfs.context.journal.close();
    for (const { id } of packs(pfs)) {
      await harm(store, id);
    }
    assert.ok((await check(store)).damage.length > 0);
    const { damage, repaired } = await repair(store, target);
    assert.deepEqual(damage, []);
    assert.ok(repaired.length > 0);
    assert.deepEqual(await contents(t, store), before);
  });
}

it('what is in no copy any more is told, and the rest of its pack comes back', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const target = new MemoryObjectStore();
  await mirror(store, target);
  await put(pfs, 'data@master', { 'only-here': 'never mirrored' });
  await compactOn(pfs);
  const before = await contents(t, store);
  await pfs.context.journal.close();
  for (const { id } of packs(pfs)) {
    await store.delete(packKey(id));
  }
  const { damage, summary } = await repair(store, target);
  assert.ok(damage.every(({ message }) => /in no live pack/.test(message)));
  assert.deepEqual(
    summary.affected.map(({ repo, path }) => [repo, path]),
    // The newest tree itself is gone; all that the mirror has is there.
    [['default/data', '/']],
  );
  const later = await openTestPfs({ t, store });
  const again = new MemoryObjectStore();
  await mirror(target, again);
  assert.equal([...(await contents(t, again))].length, before.size - 1);
  await later.context.journal.close();
});

it('objects that are in no live pack come back when a copy turns up that has them', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const early = new MemoryObjectStore();
  await mirror(store, early);
  await put(pfs, 'data@master', { 'not-in-the-first-mirror': 'but in the second' });
  const late = new MemoryObjectStore();
  await mirror(store, late);
  await compactOn(pfs);
  const before = await contents(t, store);
  await pfs.context.journal.close();
  for (const { id } of packs(pfs)) {
    await store.delete(packKey(id));
  }
  assert.ok((await repair(store, early)).damage.length > 0);
  assert.deepEqual((await repair(store, late)).damage, []);
  assert.deepEqual(await contents(t, store), before);
});

it('an index is made again where trees of its pack name what was collected', async (t) => {
  const { pfs, pass, store } = await newUpkeepRig(t);
  await store.put('format', newFormat(STORE_ID));
  await createRepos(pfs, 'kept', 'gone');
  await put(pfs, 'gone@master', { '/d/f': 'goes with its pack' });
  // The pack of this commit has trees that name what is in the pack before, and a file that stays for another repo.
  const shared = 'x'.repeat(9000);
  await put(pfs, 'gone@master', { '/d/shared': shared });
  await put(pfs, 'kept@master', { '/shared': shared });
  await deleteRepo(pfs.context, { key: 'default/gone', force: false }, ACTOR);
  for (let i = 0; i < 3; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
  }
  assert.equal(
    await pfs.context.packs.find(objectId('blob', Buffer.from('goes with its pack'))),
    undefined,
  );
  const before = await contents(t, store);
  await pfs.context.journal.close();
  for (const key of (await keysOf(store, 'packs/')).filter((one) => one.endsWith('.index'))) {
    await store.delete(key);
  }
  const { damage } = await repair(store);
  assert.deepEqual(damage, []);
  assert.deepEqual(await contents(t, store), before);
});

it('indexes that need one another are made again, with the same sizes', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  // Later trees name what is in earlier packs; merging some of them turns that round for others.
  await put(pfs, 'other@master', { 'd/e/f1': 'small 1', 'x/y': 'new' });
  const compacted = await copyOf(store);
  await compactOn(await openTestPfs({ t, store: compacted }));
  for (const one of [store, compacted]) {
    const keys = (await keysOf(one, 'packs/')).filter((key) => key.endsWith('.index'));
    const before = new Map<string, Buffer>();
    for (const key of keys) {
      before.set(key, await one.get(key));
      await one.delete(key);
    }
    assert.deepEqual((await repair(one)).damage, []);
    const live = await openTestPfs({ t, store: one });
    for (const { id } of packs(live)) {
      const key = packIndexKey(id);
      const [made, was] = [await one.get(key), before.get(key) ?? Buffer.alloc(0)];
      assert.deepEqual(
        [...PackIndex.parse(made, key).entries()],
        [...PackIndex.parse(was, key).entries()],
      );
    }
  }
});
