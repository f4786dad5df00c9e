import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { answerOnce } from '../../../engine/pfs/context.ts';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { openTestPfs } from '../../support/pfs.ts';

const REPO = { key: 'default/data', description: '' };

it('gives a retry the first answer also when another engine gave that one', async (t) => {
  const store = new MemoryObjectStore();
  const one = await openTestPfs({ t, store });
  const two = await openTestPfs({ t, store });
  const request = { actor: 'test', id: 'c'.repeat(32) };
  const first = await answerOnce(one.context, request, () =>
    createRepo(one.context, REPO, request),
  );
  // The second engine has not looked since: what it refuses may be what it was asked for itself.
  const refusal = () => Promise.reject(new Error('refused'));
  assert.deepEqual(await answerOnce(two.context, request, refusal), first);
  const other = { actor: 'test', id: 'd'.repeat(32) };
  await assert.rejects(answerOnce(two.context, other, refusal), /refused/);
});
