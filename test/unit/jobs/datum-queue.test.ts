import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { DatumQueue } from '../../../engine/jobs/datum-queue.ts';

/** Numbers from 0, with how many were asked for. */
function numbers(count: number) {
  const state = { found: 0 };
  async function* source(): AsyncGenerator<number> {
    while (state.found < count) {
      state.found += 1;
      yield state.found - 1;
    }
  }
  return { state, source: source() };
}

/** Lets everything happen that can without anybody's doing. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await setImmediate();
  }
}

it('a few are found and prepared before anybody takes them, and no more than that', async () => {
  const { state, source } = numbers(1000);
  const prepared: number[] = [];
  const queue = new DatumQueue(source, {
    ahead: 3,
    prepare: async (item) => void prepared.push(item),
  });
  assert.equal(await queue.hasNext(), true);
  await settle();
  assert.deepEqual([state.found, prepared], [3, [0, 1, 2]]);
  assert.equal(await queue.next(), 0);
  await settle();
  assert.deepEqual([state.found, prepared], [4, [0, 1, 2, 3]]);
  await queue.close();
});

it('each goes to one of those who wait, in order, and all learn of the end', async () => {
  const { source } = numbers(50);
  const queue = new DatumQueue(source, { ahead: 4, prepare: async () => undefined });
  const taken: number[] = [];
  const take = async () => {
    for (let item = await queue.next(); item !== undefined; item = await queue.next()) {
      taken.push(item);
      await setImmediate();
    }
  };
  await Promise.all([take(), take(), take()]);
  assert.deepEqual(
    taken.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

it('what the source fails with comes after what it gave before, and to everybody', async () => {
  async function* source() {
    yield 1;
    throw new Error('the store is away');
  }
  const queue = new DatumQueue(source(), { ahead: 5, prepare: async () => undefined });
  await settle();
  assert.equal(await queue.next(), 1);
  await assert.rejects(queue.next(), /the store is away/);
  await assert.rejects(queue.next(), /the store is away/);
  await queue.close();
});

it('a preparation that fails is for the worker to meet, and closing waits for those under way', async () => {
  const { source } = numbers(10);
  let finish = () => {};
  const preparing = new Promise<void>((resolve) => (finish = resolve));
  const queue = new DatumQueue(source, {
    ahead: 2,
    prepare: async (item) => {
      if (item === 0) {
        throw new Error('no room in the cache');
      }
      await preparing;
    },
  });
  assert.equal(await queue.next(), 0);
  let isClosed = false;
  const closing = queue.close().then(() => (isClosed = true));
  await settle();
  assert.equal(isClosed, false);
  finish();
  await closing;
  assert.equal(await queue.next(), undefined);
});
