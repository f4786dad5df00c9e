import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineError } from '../../engine/base/errors.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import { createRepos, openTestPfs, put, readAll } from '../support/pfs.ts';

// An error that nobody awaits ends the engine: the test runner counts it as a failure of the test.
it('answers each write of a batch once when the store fails after some were refused', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { file: 'x' });
  const real = store.put.bind(store);
  let failing = true;
  store.put = async (key, ...rest) => {
    if (failing && key.startsWith('packs/')) {
      throw new EngineError('unavailable', 'Cannot put: made to fail');
    }
    return await real(key, ...rest);
  };
  const outcomes = await Promise.allSettled([
    put(pfs, 'data@master', { 'file/below': 'y' }),
    put(pfs, 'data@master', { a: 'y' }),
    put(pfs, 'data@master', { b: 'y' }),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : '')),
    ['invalid', 'unavailable', 'unavailable'],
  );
  failing = false;
  await put(pfs, 'data@master', { a: 'z' });
  assert.deepEqual(await readAll(pfs, 'data@master'), { file: 'x', a: 'z' });
});
