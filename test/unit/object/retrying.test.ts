import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { EngineError, type ErrorCode } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { ObjectStore } from '../../../engine/object/object-store.ts';
import { RetryingObjectStore, STORE_RETRY_POLICY } from '../../../engine/object/retrying.ts';
import { type Faults, FaultyObjectStore } from '../../support/faulty-object-store.ts';
import { InstantClock } from '../../support/instant-clock.ts';

function retrying(faults: Faults, seed = randomInt(2 ** 31)) {
  const random = new SeededRandom(seed);
  const clock = new InstantClock();
  const memory = new MemoryObjectStore();
  const faulty = new FaultyObjectStore(memory, { random, faults });
  const store = new RetryingObjectStore(faulty, { clock, random });
  return { seed, clock, memory, faulty, store };
}

function failing(code: ErrorCode): { store: ObjectStore; calls: () => number } {
  let calls = 0;
  const store = new MemoryObjectStore();
  store.get = async () => {
    calls += 1;
    throw new EngineError(code, `made to fail: ${code}`);
  };
  return { store, calls: () => calls };
}

it('only unavailable is tried again', async () => {
  const others: ErrorCode[] = ['not_found', 'already_exists', 'corrupt', 'resource_exhausted'];
  for (const code of [...others, 'failed_precondition', 'invalid', 'cancelled'] as const) {
    const { store, calls } = failing(code);
    const clock = new InstantClock();
    const patient = new RetryingObjectStore(store, { clock, random: new SeededRandom(1) });
    await assert.rejects(patient.get('k'), { code });
    assert.equal(calls(), 1, code);
  }
});

it('after the last try the error is the store’s own, and the waits have grown', async () => {
  const { store, calls } = failing('unavailable');
  const clock = new InstantClock();
  const patient = new RetryingObjectStore(store, { clock, random: new SeededRandom(1) });
  await assert.rejects(patient.get('k'), { code: 'unavailable', message: /made to fail/ });
  assert.equal(calls(), STORE_RETRY_POLICY.tries);
  assert.equal(clock.sleeps.length, STORE_RETRY_POLICY.tries - 1);
  assert.ok((clock.sleeps.at(-1) ?? 0) > 10 * (clock.sleeps[0] ?? 0));
});

it('a put-if-absent whose answer was lost is won, and is written once', async () => {
  const { store, memory, faulty } = retrying({});
  const put = faulty.put.bind(faulty);
  let lost = false;
  faulty.put = async (key, bytes, options) => {
    await put(key, bytes, options);
    if (!lost) {
      lost = true;
      throw new EngineError('unavailable', 'the answer was lost');
    }
  };
  await store.put('k', Buffer.from('mine'), { ifAbsent: true });
  assert.equal((await memory.get('k')).toString(), 'mine');
  assert.equal(faulty.calls.put, 2);
});

it('a put-if-absent that fails and then finds another owner is refused', async () => {
  const { store, memory, faulty } = retrying({});
  const put = faulty.put.bind(faulty);
  faulty.put = async (key) => {
    faulty.put = put;
    await memory.put(key, Buffer.from('theirs'));
    throw new EngineError('unavailable', 'the request was lost');
  };
  await assert.rejects(store.put('k', Buffer.from('mine'), { ifAbsent: true }), {
    code: 'already_exists',
  });
});

it('racing writers over a store that loses requests and answers: one wins, and knows it', async () => {
  const { store, memory, seed, faulty } = retrying({ before: 0.2, after: 0.3, delay: 0.5 });
  for (let round = 0; round < 30; round++) {
    const key = `race/${round}`;
    const puts = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => store.put(key, Buffer.from(`${i}`), { ifAbsent: true })),
    );
    const winners = puts.flatMap((put, i) => (put.status === 'fulfilled' ? [`${i}`] : []));
    const owner = (await memory.get(key)).toString();
    const owners = puts[Number(owner)];
    // Whoever loses the answer of every try doesn't know that it won, and must not be told that it lost.
    const isUnknown = owners?.status === 'rejected' && owners.reason.code === 'unavailable';
    assert.deepEqual(winners, isUnknown ? [] : [owner], `seed ${seed}`);
  }
  assert.ok(faulty.faults > 20, `seed ${seed}`);
});

it('a listing that breaks off goes on without a gap or a repetition', async () => {
  const { store, memory, seed, faulty } = retrying({ before: 0.1, cut: 0.05 });
  const keys = Array.from({ length: 500 }, (_, i) => `list/${String(i).padStart(4, '0')}`);
  for (const key of keys) {
    await memory.put(key, Buffer.from(key));
  }
  const seen: string[] = [];
  for await (const { key } of store.list('list/', { startAfter: 'list/0009' })) {
    seen.push(key);
  }
  assert.deepEqual(seen, keys.slice(10), `seed ${seed}`);
  assert.ok(faulty.faults > 0, `seed ${seed}`);
});

it('waiting ends when the engine stops, or the caller gives up', async () => {
  for (const own of [true, false]) {
    const controller = new AbortController();
    const { store, calls } = failing('unavailable');
    const clock = new InstantClock();
    const patient = new RetryingObjectStore(store, {
      clock,
      random: new SeededRandom(1),
      ...(own ? {} : { signal: controller.signal }),
    });
    const sleep = clock.sleep.bind(clock);
    clock.sleep = (ms, options) => {
      controller.abort();
      return sleep(ms, options);
    };
    const options = own ? { signal: controller.signal } : {};
    await assert.rejects(patient.get('k', options), { code: 'cancelled' });
    assert.equal(calls(), 1);
  }
});
