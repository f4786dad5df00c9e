import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { SystemRandom } from '../../../engine/base/random.ts';
import { CachingObjectStore, type CachingOptions } from '../../../engine/object/caching.ts';
import { isCacheableKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { FaultyObjectStore } from '../../support/faulty-object-store.ts';
import { InstantClock } from '../../support/instant-clock.ts';

const random = new SystemRandom();
const folder = await mkdtemp(join(tmpdir(), 'pfs-cache-'));
after(() => rm(folder, { recursive: true }));
let rigs = 0;

async function openCache(options: Partial<CachingOptions> = {}) {
  const clock = options.clock instanceof InstantClock ? options.clock : new InstantClock();
  const store = new FaultyObjectStore(new MemoryObjectStore(), { random });
  const directory = join(folder, `${++rigs}`, 'cache');
  const problems: unknown[] = [];
  const all: CachingOptions = {
    directory,
    maxBytes: 1 << 20,
    minFreeBytes: 0,
    isCacheable: isCacheableKey,
    clock,
    random,
    onProblem: (error) => problems.push(error),
    ...options,
  };
  const reopen = () => CachingObjectStore.open(store, all);
  return { cache: await reopen(), store, directory: all.directory, problems, clock, reopen };
}

async function files(directory: string): Promise<string[]> {
  return (await readdir(directory)).map((name) => join(directory, name));
}

it('an object that was read whole is read from the disk from then on, also in part', async () => {
  const { cache, store, reopen } = await openCache();
  const bytes = randomBytes(200_000);
  await cache.put('packs/00/a', bytes);
  assert.ok((await cache.get('packs/00/a')).equals(bytes));
  const again = await reopen();
  assert.ok((await again.get('packs/00/a')).equals(bytes));
  for (const [start, end] of [
    [0, 10],
    [65_530, 65_540],
    [131_072, 200_000],
    [200_000, 200_000],
    [7, 7],
  ] as const) {
    const part = await again.get('packs/00/a', { range: { start, end } });
    assert.ok(part.equals(bytes.subarray(start, end)));
  }
  await assert.rejects(again.get('packs/00/a', { range: { start: 0, end: 200_001 } }), {
    code: 'corrupt',
  });
  assert.equal(store.calls.get, 1);
});

it('a range of what is not cached passes through and caches nothing', async () => {
  const { cache, store, directory } = await openCache();
  await cache.put('packs/00/a', Buffer.from('0123456789'));
  for (let i = 0; i < 2; i++) {
    const part = await cache.get('packs/00/a', { range: { start: 2, end: 4 } });
    assert.equal(part.toString(), '23');
  }
  assert.equal(store.calls.get, 2);
  assert.deepEqual(await files(directory), []);
});

it('heartbeats, and that something is absent, are never cached', async () => {
  const { cache, store, directory } = await openCache();
  await cache.put('engines/e', Buffer.from('1'));
  await cache.get('engines/e');
  await store.put('engines/e', Buffer.from('2'));
  assert.equal((await cache.get('engines/e')).toString(), '2');
  await assert.rejects(cache.get('history/1'), { code: 'not_found' });
  await store.put('history/1', Buffer.from('now'));
  assert.equal((await cache.get('history/1')).toString(), 'now');
  assert.equal((await files(directory)).length, 1);
});

it('a flipped byte anywhere in a cache file is never served, and is repaired', async () => {
  const { cache, store, directory } = await openCache();
  const bytes = randomBytes(150_000);
  await store.put('packs/00/a', bytes);
  await cache.get('packs/00/a');
  const [file = ''] = await files(directory);
  const good = await readFile(file);
  const offsets = [
    0,
    65_535,
    65_536,
    149_999,
    ...Array.from({ length: 40 }, (_, i) => 150_000 + i),
  ];
  for (const offset of offsets.filter((o) => o < good.length)) {
    const bad = Buffer.from(good);
    bad[offset] = (bad[offset] ?? 0) ^ 1;
    await writeFile(file, bad);
    const before = store.calls.get;
    assert.ok((await cache.get('packs/00/a')).equals(bytes), `byte ${offset}`);
    assert.equal(store.calls.get, before + 1, `byte ${offset} went unnoticed`);
    assert.ok((await readFile(file)).equals(good), `byte ${offset} was not repaired`);
  }
});

it('a flipped byte is noticed by a range that covers it', async () => {
  const { cache, store, directory } = await openCache();
  const bytes = randomBytes(150_000);
  await store.put('packs/00/a', bytes);
  await cache.get('packs/00/a');
  const [file = ''] = await files(directory);
  const bad = await readFile(file);
  bad[70_000] = (bad[70_000] ?? 0) ^ 1;
  await writeFile(file, bad);
  const part = await cache.get('packs/00/a', { range: { start: 69_999, end: 70_001 } });
  assert.ok(part.equals(bytes.subarray(69_999, 70_001)));
});

it('a truncated or padded cache file is never served', async () => {
  const { cache, store, directory } = await openCache();
  const bytes = randomBytes(100_000);
  await store.put('packs/00/a', bytes);
  for (const size of [0, 1, 35, 36, 65_536, 65_600, 99_999, 100_000, 100_020, 100_037, 200_000]) {
    await cache.get('packs/00/a');
    const [file = ''] = await files(directory);
    assert.notEqual((await stat(file)).size, size);
    await truncate(file, size);
    assert.ok((await cache.get('packs/00/a')).equals(bytes), `cut to ${size}`);
  }
});

it('a file of another object is never served', async () => {
  const { cache, store, directory } = await openCache();
  await store.put('packs/00/a', Buffer.from('aaaa'));
  await store.put('packs/00/b', Buffer.from('bbbb'));
  await cache.get('packs/00/a');
  const [a = ''] = await files(directory);
  await cache.get('packs/00/b');
  const b = (await files(directory)).find((file) => file !== a) ?? '';
  await writeFile(b, await readFile(a));
  assert.equal((await cache.get('packs/00/b')).toString(), 'bbbb');
});

it('the cache stays within its bound, and what was used last stays', async () => {
  const { cache, store, directory, clock } = await openCache({ maxBytes: 1 << 20 });
  const keys = Array.from({ length: 60 }, (_, i) => `packs/00/${i}`);
  for (const key of keys) {
    await store.put(key, randomBytes(50_000));
  }
  for (const key of keys) {
    clock.advance(120_000);
    await cache.get(key);
    await cache.get('packs/00/0');
    let total = 0;
    for (const file of await files(directory)) {
      total += (await stat(file)).size;
    }
    assert.ok(total <= 1 << 20, `${total} bytes`);
  }
  const before = store.calls.get;
  await cache.get('packs/00/0');
  await cache.get('packs/00/59');
  assert.equal(store.calls.get, before, 'what was used last was evicted');
  await cache.get('packs/00/1');
  assert.equal(store.calls.get, before + 1);
});

it('what earlier runs left counts towards the bound', async () => {
  const { cache, store, directory, reopen } = await openCache({ maxBytes: 400_000 });
  for (let i = 0; i < 20; i++) {
    await store.put(`packs/00/${i}`, randomBytes(40_000));
    await (i % 5 === 0 ? await reopen() : cache).get(`packs/00/${i}`);
  }
  let total = 0;
  for (const file of await files(directory)) {
    total += (await stat(file)).size;
  }
  assert.ok(total <= 450_000, `${total} bytes`);
});

it('an object larger than the cache is read all the same', async () => {
  const { cache, store, directory } = await openCache({ maxBytes: 1000 });
  await store.put('packs/00/a', Buffer.alloc(2000, 1));
  assert.equal((await cache.get('packs/00/a')).length, 2000);
  assert.deepEqual(await files(directory), []);
});

it('a full disk does not fail a read, and is left alone', async () => {
  const { cache, store, directory } = await openCache({ minFreeBytes: Number.MAX_SAFE_INTEGER });
  await store.put('packs/00/a', Buffer.from('a'));
  assert.equal((await cache.get('packs/00/a')).toString(), 'a');
  assert.deepEqual(await files(directory), []);
});

it('a cache directory that vanishes does not fail a read, and is told about', async () => {
  const { cache, store, directory, problems } = await openCache();
  await store.put('packs/00/a', Buffer.from('a'));
  await rm(directory, { recursive: true });
  await writeFile(directory, 'a file');
  assert.equal((await cache.get('packs/00/a')).toString(), 'a');
  assert.equal((await cache.get('packs/00/a', { range: { start: 0, end: 1 } })).toString(), 'a');
  assert.ok(problems.length > 0);
});

it('two engines share a directory', async () => {
  const { cache, store, reopen } = await openCache({ maxBytes: 300_000 });
  const other = await reopen();
  for (let i = 0; i < 20; i++) {
    await store.put(`packs/00/${i}`, Buffer.alloc(20_000, i));
  }
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        for (const side of [cache, other]) {
          assert.ok((await side.get(`packs/00/${i}`)).equals(Buffer.alloc(20_000, i)));
        }
      }),
    );
  }
});

it('reads of one object at the same time are one fetch, and each gets a buffer of its own', async () => {
  const { cache, store } = await openCache();
  await store.put('packs/00/a', Buffer.from('abc'));
  const all = await Promise.all(Array.from({ length: 10 }, () => cache.get('packs/00/a')));
  assert.equal(store.calls.get, 1);
  all[0]?.fill(0);
  assert.ok(all.slice(1).every((bytes) => bytes.toString() === 'abc'));
});

it('a deleted object is gone from the cache', async () => {
  const { cache, directory } = await openCache();
  await cache.put('packs/00/a', Buffer.from('a'));
  await cache.get('packs/00/a');
  await cache.delete('packs/00/a');
  assert.deepEqual(await files(directory), []);
  await assert.rejects(cache.get('packs/00/a'), { code: 'not_found' });
});
