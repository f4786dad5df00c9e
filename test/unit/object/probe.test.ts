import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { SystemRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../../engine/object/filesystem.ts';
import { probeKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { probeStore, refuseUnsafe } from '../../../engine/object/probe.ts';
import { InstantClock } from '../../support/instant-clock.ts';

const real = { clock: new SystemClock(), random: new SystemRandom() };
const folder = await mkdtemp(join(tmpdir(), 'pfs-probe-'));
after(() => rm(folder, { recursive: true }));

async function keysOf(store: MemoryObjectStore | FilesystemObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) {
    keys.push(key);
  }
  return keys;
}

it('a good store passes, and nothing of the probe stays behind', async () => {
  for (const store of [new MemoryObjectStore(), await FilesystemObjectStore.open(folder, real)]) {
    const report = await probeStore(store, real);
    assert.ok(report.safe, JSON.stringify(report));
    assert.ok(report.checks.length >= 5);
    assert.deepEqual(report.notes, []);
    refuseUnsafe(report);
    assert.deepEqual(await keysOf(store), []);
  }
  assert.deepEqual(await readdir(join(folder, '.tmp')), []);
});

it('a store that ignores ifAbsent is refused, and the sentence says why', async () => {
  const store = new MemoryObjectStore();
  const put = store.put.bind(store);
  store.put = (key, bytes) => put(key, bytes);
  const report = await probeStore(store, real);
  assert.equal(report.safe, false);
  assert.throws(() => refuseUnsafe(report), {
    code: 'failed_precondition',
    message: /of 32 writers at once 32 were told that they had won.*choose another store/,
  });
  assert.deepEqual(await keysOf(store), []);
});

it('a store that looks first and writes later is refused', async () => {
  const store = new MemoryObjectStore();
  const put = store.put.bind(store);
  store.put = async (key, bytes, options) => {
    const taken = await store.head(key).then(
      () => true,
      () => false,
    );
    if (options?.ifAbsent && taken) {
      throw new EngineError('already_exists', 'taken');
    }
    await new Promise((resolve) => setImmediate(resolve));
    await put(key, bytes);
  };
  const report = await probeStore(store, real);
  assert.deepEqual(
    report.checks.filter(({ ok }) => !ok).map(({ name }) => name),
    ['put-if-absent, raced'],
  );
});

it('a store that refuses a late writer and yet writes is refused', async () => {
  const store = new MemoryObjectStore();
  const put = store.put.bind(store);
  store.put = async (key, bytes, options) => {
    try {
      await put(key, bytes, options);
    } catch (error) {
      await put(key, bytes);
      throw error;
    }
  };
  assert.equal((await probeStore(store, real)).safe, false);
});

it('a store that reads or lists what was before is refused', async () => {
  const stale = new MemoryObjectStore();
  const first = new Map<string, Buffer>();
  const get = stale.get.bind(stale);
  stale.get = async (key, options) => {
    const bytes = await get(key);
    const old = first.get(key) ?? bytes;
    first.set(key, old);
    return options?.range ? old.subarray(options.range.start, options.range.end) : old;
  };
  const reading = await probeStore(stale, real);
  assert.ok(reading.checks.some(({ name, ok }) => name === 'read after write' && !ok));

  const forgetful = new MemoryObjectStore();
  const list = forgetful.list.bind(forgetful);
  forgetful.list = async function* (prefix, options) {
    for await (const info of list(prefix, options)) {
      if (!info.key.endsWith('list-b')) {
        yield info;
      }
    }
  };
  const listing = await probeStore(forgetful, real);
  assert.ok(listing.checks.some(({ name, ok }) => name === 'list after write' && !ok));
});

it('a clock that differs is a note with the number of seconds, not a reason to refuse', async () => {
  for (const [skew, words] of [
    [90_000, '90 s ahead of'],
    [-3_600_000, '3600 s behind'],
  ] as const) {
    const clock = new InstantClock();
    const store = new MemoryObjectStore({ clock: new InstantClock(clock.now() + skew) });
    const report = await probeStore(store, { clock, random: real.random });
    assert.equal(report.safe, true);
    assert.equal(report.notes.length, 1);
    assert.match(report.notes[0] ?? '', new RegExp(words));
  }
  const clock = new InstantClock();
  const near = new MemoryObjectStore({ clock: new InstantClock(clock.now() - 59_000) });
  assert.deepEqual((await probeStore(near, { clock, random: real.random })).notes, []);
});

it('the store’s own error is told when it cannot be used at all, and what killed probes left is removed', async () => {
  const down = new MemoryObjectStore();
  down.put = async () => {
    throw new EngineError('failed_precondition', 'Cannot write: read-only');
  };
  await assert.rejects(probeStore(down, real), { message: 'Cannot write: read-only' });

  const clock = new InstantClock();
  const store = new MemoryObjectStore({ clock });
  await store.put(probeKey('a'.repeat(32), 'race'), Buffer.from('old'));
  clock.advance(2 * 60 * 60 * 1000);
  await store.put(probeKey('b'.repeat(32), 'race'), Buffer.from('of a probe that runs now'));
  await probeStore(store, { clock, random: real.random });
  assert.deepEqual(await keysOf(store), [probeKey('b'.repeat(32), 'race')]);
});
