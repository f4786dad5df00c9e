import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { packIndexKey, packKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { GetOptions, PutOptions } from '../../../engine/object/object-store.ts';
import type { PackContainer } from '../../../engine/object/open-pack.ts';
import { PackWriter } from '../../../engine/object/pack-writer.ts';
import { newRig, type Rig } from './pack-rig.ts';

/** A container without a frame: entries one after the other. */
const BARE: PackContainer = {
  kind: 'git',
  headerBytes: 4,
  trailerBytes: 0,
  header: (objects) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(objects);
    return bytes;
  },
};

const newId = (n: number) => n.toString(16).padStart(8, '0').repeat(5);

function newWriter(rig: Rig, targetBytes?: number): PackWriter {
  const { uploader, cache } = rig;
  return new PackWriter({
    container: BARE,
    uploader,
    cache,
    ...(targetBytes === undefined ? {} : { targetBytes }),
  });
}

async function write(writer: PackWriter, number: number, size = 100): Promise<string> {
  const id = newId(number);
  for (let wait = writer.room(size); wait; wait = writer.room(size)) {
    await wait;
  }
  writer.add(id, { kind: 'blob', size, files: 1 }, size).fill(number);
  return id;
}

/** Counts, fails and holds back puts and gets on purpose. */
class ScriptedStore extends MemoryObjectStore {
  gets: string[] = [];
  puts: string[] = [];
  failPuts = 0;
  gate: Promise<void> | undefined;

  override get(key: string, options?: GetOptions): Promise<Buffer> {
    this.gets.push(key);
    return super.get(key, options);
  }

  override async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<void> {
    this.puts.push(key);
    await this.gate;
    if (this.failPuts > 0) {
      this.failPuts -= 1;
      throw new EngineError('unavailable', 'Cannot write: the store is away');
    }
    await super.put(key, bytes, options);
  }
}

it('sends a small session as one pack and one index', async () => {
  const store = new ScriptedStore();
  const rig = newRig({ store });
  const writer = newWriter(rig);
  const ids = [];
  for (let n = 0; n < 50; n++) {
    ids.push(await write(writer, n));
  }
  const [pack, ...others] = await writer.finish();
  assert.ok(pack && others.length === 0);
  assert.deepEqual(store.puts.sort(), [packKey(pack.id), packIndexKey(pack.id)].sort());
  assert.equal(pack.objects, 50);
  assert.equal((await store.head(packKey(pack.id))).size, pack.bytes);
  rig.publish({ packs: [pack] });
  for (const [n, id] of ids.entries()) {
    assert.deepEqual((await rig.reopened().read(id)).bytes, Buffer.alloc(100, n));
  }
});

it('sends nothing for a session without objects', async () => {
  const store = new ScriptedStore();
  assert.deepEqual(await newWriter(newRig({ store })).finish(), []);
  assert.deepEqual(store.puts, []);
});

it('seals packs at the target and lets every object be read at any time', async () => {
  const rig = newRig();
  const writer = newWriter(rig, 1000);
  for (let n = 0; n < 100; n++) {
    await write(writer, n);
    const early = await writer.read(newId(n >> 1));
    assert.deepEqual(early, Buffer.alloc(100, n >> 1));
  }
  const packs = await writer.finish();
  assert.ok(packs.every((pack) => pack.bytes <= 1000));
  assert.equal(packs.length, Math.ceil(100 / 9));
});

it('absorbs many sessions into one pack, and keeps what several have once', async () => {
  const rig = newRig();
  const batch = newWriter(rig);
  for (let n = 0; n < 25; n++) {
    const one = newWriter(rig);
    await write(one, n);
    await write(one, 1000);
    batch.absorb(one);
    assert.throws(() => one.room(1), /the session is over/);
  }
  await write(batch, 500);
  const packs = await batch.finish();
  assert.equal(packs.length, 1);
  assert.equal(packs[0]?.objects, 27);
  rig.publish({ packs });
  for (const n of [...Array(25).keys(), 500, 1000]) {
    assert.deepEqual((await rig.live.read(newId(n))).bytes, Buffer.alloc(100, n));
  }
});

it('absorbs packs that were sent already, and packs of sessions too large for one', async () => {
  const rig = newRig();
  const batch = newWriter(rig, 1000);
  const large = newWriter(rig, 1000);
  for (let n = 0; n < 30; n++) {
    await write(large, n);
  }
  await write(batch, 100);
  batch.absorb(large);
  assert.deepEqual(await batch.read(newId(3)), Buffer.alloc(100, 3));
  const packs = await batch.finish();
  assert.equal(
    packs.reduce((sum, pack) => sum + pack.objects, 0),
    31,
  );
});

it('fails the session when a pack cannot be sent, and gives the memory back', async () => {
  const store = new ScriptedStore();
  const rig = newRig({ store, budgetBytes: 100_000 });
  const writer = newWriter(rig, 1000);
  store.failPuts = 1;
  await assert.rejects(
    async () => {
      for (let n = 0; n < 100; n++) {
        await write(writer, n);
      }
      await writer.finish();
    },
    { code: 'unavailable' },
  );
  writer.discard();
  await whenAllFree(rig, 100_000);
});

it('fails the absorbing session too when a pack it took over cannot be sent', async () => {
  const store = new ScriptedStore();
  const rig = newRig({ store });
  const one = newWriter(rig);
  await write(one, 1);
  store.failPuts = 2;
  one.seal();
  const batch = newWriter(rig);
  batch.absorb(one);
  await assert.rejects(batch.finish(), { code: 'unavailable' });
});

it('lets sessions that work go on when idle ones hold all the memory', async () => {
  const rig = newRig({ budgetBytes: 64 * 1024 });
  const idle = await Promise.all(
    [1, 2, 3, 4].map(async (n) => {
      const session = newWriter(rig);
      await write(session, n);
      return session;
    }),
  );
  const working = newWriter(rig);
  for (let n = 100; n < 1000; n++) {
    await write(working, n, 400);
  }
  await working.finish();
  for (const session of idle) {
    await session.finish();
  }
  await whenAllFree(rig, 64 * 1024);
});

it('frees as much as one large object needs, also when many idle sessions hold a little each', {
  timeout: 5000,
}, async () => {
  const rig = newRig({ budgetBytes: 128 * 1024 });
  const idle = [1, 2, 3, 4, 5, 6].map(() => newWriter(rig));
  for (const [n, session] of idle.entries()) {
    await write(session, n);
  }
  // Asked for memory, and then found that the object is stored already.
  const unused = [newWriter(rig), newWriter(rig)];
  for (const session of unused) {
    await session.room(100);
  }
  const working = newWriter(rig);
  await write(working, 100, 100 * 1024);
  await Promise.all([working, ...idle, ...unused].map((session) => session.finish()));
  await whenAllFree(rig, 128 * 1024);
});

it('holds back writers while uploads are slow', async () => {
  const store = new ScriptedStore();
  let open: (() => void) | undefined;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const rig = newRig({ store, budgetBytes: 200_000 });
  const writer = newWriter(rig, 50_000);
  let written = 0;
  const all = (async () => {
    for (let n = 0; n < 1000; n++) {
      await write(writer, n, 1000);
      written += 1;
    }
  })();
  for (let turn = 0; turn < 50; turn++) {
    await new Promise(setImmediate);
  }
  assert.ok(written > 50 && written <= 200, `${written} of 1000 written with no upload done`);
  open?.();
  await all;
  await writer.finish();
});

it('fetches each index once, however many look for objects at the same time', async () => {
  const store = new ScriptedStore();
  const rig = newRig({ store });
  for (let n = 0; n < 40; n++) {
    const writer = newWriter(rig);
    await write(writer, n);
    rig.publish({ packs: await writer.finish() });
  }
  const set = rig.reopened();
  store.gets = [];
  const hits = await Promise.all(Array.from({ length: 80 }, (_, n) => set.find(newId(n))));
  assert.deepEqual(
    hits.map((hit) => hit !== undefined),
    hits.map((_, n) => n < 40),
  );
  assert.equal(store.gets.length, 40);
  assert.equal(new Set(store.gets).size, 40);
});

it('needs no request for the index of a pack that this process wrote', async () => {
  const store = new ScriptedStore();
  const rig = newRig({ store });
  const writer = newWriter(rig);
  await write(writer, 1);
  for (const { id, kind, bytes, objects } of await writer.finish()) {
    rig.live.add({ id, kind, bytes, objects });
  }
  assert.ok(rig.live.findLoaded(newId(1)));
  assert.deepEqual(store.gets, []);
});

it('takes a missing index or pack for damage, and a store that is away for what it is', async () => {
  const rig = newRig();
  const writer = newWriter(rig);
  await write(writer, 1);
  const packs = await writer.finish();
  rig.publish({ packs });
  const id = packs[0]?.id ?? '';
  await rig.store.delete(packKey(id));
  await assert.rejects(rig.reopened().read(newId(1)), { code: 'corrupt' });
  await rig.store.delete(packIndexKey(id));
  await assert.rejects(async () => rig.reopened().find(newId(1)), { code: 'corrupt' });

  const away = new ScriptedStore();
  away.get = () => Promise.reject(new EngineError('unavailable', 'Cannot read: away'));
  const other = newRig({ store: away });
  other.publish({ packs });
  await assert.rejects(async () => other.reopened().find(newId(1)), { code: 'unavailable' });
});

it('forgets a removed pack, also one whose index is on its way', async () => {
  const rig = newRig();
  const writer = newWriter(rig);
  await write(writer, 1);
  const packs = await writer.finish();
  rig.publish({ packs });
  const set = rig.reopened();
  const finding = set.find(newId(1));
  set.remove(packs[0]?.id ?? '');
  assert.equal(await finding, undefined);
  await assert.rejects(set.read(newId(1)), { code: 'corrupt' });
});

it('streams many objects with few requests, in the order of their packs', async () => {
  const store = new ScriptedStore();
  const rig = newRig({ store });
  const writer = newWriter(rig);
  for (let n = 0; n < 2000; n++) {
    await write(writer, n);
  }
  rig.publish({ packs: await writer.finish() });
  const set = rig.reopened();
  await set.load('git');
  store.gets = [];
  const wanted = Array.from({ length: 2000 }, (_, n) => newId(1999 - n));
  const seen: number[] = [];
  for await (const { entry, bytes } of set.readMany([...wanted, ...wanted])) {
    assert.equal(bytes.length, 100);
    seen.push(entry.offset);
  }
  assert.equal(seen.length, 2000);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  assert.ok(store.gets.length <= 2, `${store.gets.length} requests`);
});

async function whenAllFree(rig: Rig, bytes: number): Promise<void> {
  const release = await rig.budget.acquire(bytes);
  release();
}

it('what was read out of a pack in the making stays as it is when its memory is used again', async () => {
  const rig = newRig();
  const first = newWriter(rig);
  const id = await write(first, 1, 5000);
  const read = await first.read(id);
  await first.finish();
  const second = newWriter(rig);
  await write(second, 2, 5000);
  assert.deepEqual(read, Buffer.alloc(5000, 1));
  second.discard();
});
