import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { openFormat } from '../../../engine/object/format.ts';
import { probeKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';

const FIRST = 'a'.repeat(32);
const SECOND = 'b'.repeat(32);

it('openFormat() makes an empty store ours, once', async () => {
  const store = new MemoryObjectStore();
  assert.deepEqual(await openFormat(store, { newId: () => FIRST }), { format: 1, id: FIRST });
  assert.deepEqual(await openFormat(store, { newId: () => SECOND }), { format: 1, id: FIRST });
  assert.equal((await store.get('format')).toString(), `{"format":1,"id":"${FIRST}"}\n`);
});

it('openFormat() of many engines at once gives all of them the same id', async () => {
  const store = new MemoryObjectStore();
  let n = 0;
  const newId = () => String(n++).padStart(32, '0');
  const formats = await Promise.all(Array.from({ length: 10 }, () => openFormat(store, { newId })));
  assert.equal(new Set(formats.map(({ id }) => id)).size, 1);
});

it('openFormat() goes on where other objects are ours', async () => {
  const store = new MemoryObjectStore();
  await openFormat(store, { newId: () => FIRST });
  await store.put('journal/00000000000000000000.json', Buffer.from('{}'));
  assert.equal((await openFormat(store, { newId: () => SECOND })).id, FIRST);
});

it('openFormat() puts up with what a killed probe left', async () => {
  const store = new MemoryObjectStore();
  await store.put(probeKey(SECOND, 'race'), Buffer.from('x'));
  assert.equal((await openFormat(store, { newId: () => FIRST })).id, FIRST);
});

it('openFormat() refuses a store with files of somebody else, and leaves it alone', async () => {
  const store = new MemoryObjectStore();
  await store.put('holiday.jpg', Buffer.from('x'));
  await assert.rejects(openFormat(store, { newId: () => FIRST }), {
    code: 'failed_precondition',
    message: /not empty.*"holiday.jpg".*choose an empty directory/,
  });
  await assert.rejects(store.get('format'), { code: 'not_found' });
});

it('openFormat() refuses a newer format and names both', async () => {
  const store = new MemoryObjectStore();
  await store.put('format', Buffer.from(`{"format":2,"id":"${FIRST}","more":true}`));
  await assert.rejects(openFormat(store, { newId: () => FIRST }), {
    code: 'failed_precondition',
    message: /format 2.*knows 1.*newer pfs/,
  });
});

for (const text of [
  '',
  '{',
  'null',
  '[]',
  '{"format":1}',
  '{"format":"1","id":"x"}',
  '{"format":0}',
]) {
  it(`openFormat() takes ${JSON.stringify(text)} for damage`, async () => {
    const store = new MemoryObjectStore();
    await store.put('format', Buffer.from(text));
    await assert.rejects(openFormat(store, { newId: () => FIRST }), { code: 'corrupt' });
  });
}

it('openFormat() never takes an unreachable store for an empty one', async () => {
  const store = new MemoryObjectStore();
  store.get = async () => {
    throw new EngineError('unavailable', 'Cannot read: down');
  };
  await assert.rejects(openFormat(store, { newId: () => FIRST }), { code: 'unavailable' });
});
