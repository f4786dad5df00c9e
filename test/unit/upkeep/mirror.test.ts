import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { newFormat } from '../../../engine/object/format.ts';
import { parsePackKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { PutOptions } from '../../../engine/object/object-store.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { ACTOR, createRepos, openTestPfs, put, readAll } from '../../support/pfs.ts';
import { check, contents, fill, mirror, objectsOf, STORE_ID } from './store-rig.ts';
import { collectOn, compactOn, GRACE, HOUR, newUpkeepRig } from './upkeep-rig.ts';

it('a mirror is a store with the same contents, and the next one copies what is new', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const target = new MemoryObjectStore();
  const first = await mirror(store, target);
  assert.equal(first.sequence, pfs.context.journal.seq);
  assert.deepEqual((await check(target)).damage, []);
  assert.deepEqual(await contents(t, target), await contents(t, store));
  assert.deepEqual((await mirror(store, target)).copied, 0);
  await put(pfs, 'data@master', { new: 'file' });
  // A pack, its index, and the entry that names it.
  assert.equal((await mirror(store, target)).copied, 3);
  assert.deepEqual(await contents(t, target), await contents(t, store));
});

/** A store that dies after so many puts. */
class DyingStore extends MemoryObjectStore {
  left = Number.POSITIVE_INFINITY;

  override async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<void> {
    this.left -= 1;
    if (this.left < 0) {
      throw new EngineError('failed_precondition', 'Cannot put: made to fail');
    }
    await super.put(key, bytes, options);
  }
}

it('a mirror that dies at any write is a whole store, and goes on where it was', {
  timeout: 300_000,
}, async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  for (let puts = 1; ; puts++) {
    const target = new DyingStore();
    target.left = puts;
    const died = await mirror(store, target).then(
      () => false,
      () => true,
    );
    target.left = Number.POSITIVE_INFINITY;
    const { damage } = await check(target);
    assert.deepEqual(damage, [], `after ${puts} puts`);
    // Opened, it has the commits of some earlier moment, all of them readable.
    await contents(t, target);
    assert.equal((await mirror(store, target)).sequence, pfs.context.journal.seq);
    if (!died) {
      assert.ok(puts > 20);
      break;
    }
  }
});

it('a mirror that died goes on to the end, whatever the store has merged and collected since', {
  timeout: 300_000,
}, async (t) => {
  for (let puts = 2, isDone = false; !isDone; puts += 5) {
    const { pfs, store, pass } = await newUpkeepRig(t);
    await store.put('format', newFormat(STORE_ID));
    await createRepos(pfs, 'data', 'gone');
    const commit = async (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        await put(pfs, 'data@master', { [`d/f${i}`]: `content ${i}`, changing: `${i}` });
        if (pfs.context.journal.state.repos.has('default/gone')) {
          await put(pfs, 'gone@master', { [`g${i}`]: `goes ${i}` });
        }
        pass(1000);
      }
      await pfs.context.journal.snapshot();
    };
    await commit(0, 3);
    const target = new DyingStore();
    await mirror(store, target);
    await commit(3, 6);
    target.left = puts;
    isDone = await mirror(store, target).then(
      () => true,
      () => false,
    );
    target.left = Number.POSITIVE_INFINITY;
    await deleteRepo(pfs.context, { key: 'default/gone', force: false }, ACTOR);
    for (let i = 0; i < 4; i++) {
      await compactOn(pfs);
      pass(GRACE + HOUR);
      await commit(6 + i, 7 + i);
      await collectOn(pfs);
    }
    const { sequence } = await mirror(store, target);
    assert.equal(sequence, pfs.context.journal.seq);
    assert.deepEqual((await check(target)).damage, [], `after ${puts} puts`);
    assert.deepEqual(await contents(t, target), await contents(t, store));
    const { packs } = pfs.context.journal.state;
    const stored = [...(await objectsOf(target)).keys()].filter((key) => key.startsWith('packs/'));
    const known = new Set([...packs.keys(), ...pfs.context.journal.state.removedPacks.keys()]);
    assert.ok(stored.every((key) => known.has(parsePackKey(key)?.id ?? '')));
  }
});

it('a mirror is made while the engine writes', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const target = new MemoryObjectStore();
  let isOver = false;
  const writing = async () => {
    for (let i = 0; !isOver; i++) {
      await put(pfs, 'data@master', { [`w/${i % 7}`]: `written ${i}` });
      if (i % 20 === 0) {
        await pfs.context.journal.snapshot();
      }
      await new Promise(setImmediate);
    }
  };
  const writer = writing();
  for (let round = 0; round < 6; round++) {
    await mirror(store, target);
    assert.deepEqual((await check(target, round % 2 === 0)).damage, []);
  }
  isOver = true;
  await writer;
  await mirror(store, target);
  assert.deepEqual(await contents(t, target), await contents(t, store));
});

it('what the store has collected leaves the mirror, once nothing there needs it', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const target = new MemoryObjectStore();
  await mirror(store, target);
  const garbage = 'packs/ab/000000000000000000000000000000ab';
  await target.put(garbage, Buffer.from('of a pack that the store has no more'));
  const { deleted } = await mirror(store, target);
  assert.equal(deleted, 1);
  assert.ok(!(await objectsOf(target)).has(garbage));
  assert.ok(pfs.context.journal.seq > 0);
});

it('is refused where it would mix stores', async (t) => {
  const store = new MemoryObjectStore();
  await fill(t, store);
  const foreign = new MemoryObjectStore();
  await foreign.put('thesis.tex', Buffer.from('x'));
  await assert.rejects(mirror(store, foreign), { code: 'failed_precondition' });
  const other = new MemoryObjectStore();
  await other.put('format', Buffer.from(`{"format":1,"id":"${'f'.repeat(32)}"}\n`));
  await assert.rejects(mirror(store, other), {
    code: 'failed_precondition',
    message: /another store/,
  });
  const target = new MemoryObjectStore();
  await mirror(store, target);
  const theirs = await openTestPfs({ t, store: target });
  await createRepos(theirs, 'written-to-the-mirror');
  await assert.rejects(mirror(store, target), {
    code: 'failed_precondition',
    message: /written to/,
  });
  assert.deepEqual(await readAll(theirs, 'other@dev'), { 'a/b': 'y' });
});

it('nothing damaged is copied, and the mirror stays what it was', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const target = new MemoryObjectStore();
  await mirror(store, target);
  const before = await objectsOf(target);
  await put(pfs, 'data@master', { more: 'of it' });
  const fresh = [...(await objectsOf(store)).keys()].find(
    (key) => !before.has(key) && /^packs\/..\/[^.]*$/.test(key),
  );
  assert.ok(fresh);
  const bytes = await store.get(fresh);
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
  await store.put(fresh, bytes);
  await assert.rejects(mirror(store, target), { code: 'corrupt', message: new RegExp(fresh) });
  assert.deepEqual([...(await objectsOf(target)).keys()], [...before.keys()]);
});
