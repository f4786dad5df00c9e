import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  LOGS_PREFIX,
  logSegmentKey,
  PACKS_PREFIX,
  packIndexKey,
  packKey,
  parsePackKey,
} from '../../../engine/object/keys.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { ACTOR, createRepos, type Pfs, put } from '../../support/pfs.ts';
import { collectOn, GRACE, HOUR, keysOf, newUpkeepRig } from './upkeep-rig.ts';

function packIds(pfs: Pfs): string[] {
  return [...pfs.context.journal.state.packs.keys()];
}

async function storedPacks(pfs: Pfs): Promise<string[]> {
  const ids = (await keysOf(pfs.store, PACKS_PREFIX)).map((key) => parsePackKey(key)?.id ?? '');
  return [...new Set(ids)].sort();
}

async function removeRepo(pfs: Pfs, name: string): Promise<void> {
  await deleteRepo(pfs.context, { key: `default/${name}`, force: false }, ACTOR);
}

it('uploads that never became part of anything go after the grace period, younger ones stay', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'data');
  const crashed = pfs.context.newSession();
  await crashed.smallFile(Buffer.from('of an engine that died'));
  await crashed.finish();
  pass(GRACE + HOUR);
  const slow = pfs.context.newSession();
  const { id } = await slow.smallFile(Buffer.from('slow'));
  const packs = await slow.finish();
  assert.equal((await storedPacks(pfs)).length, 2);
  const dry = await collectOn(pfs, { dryRun: true });
  const report = await collectOn(pfs);
  assert.deepEqual([dry.orphans, report.orphans.count], [report.orphans, 2]);
  assert.deepEqual(await storedPacks(pfs), [packs.added[0]?.id]);
  await pfs.context.journal.transact(
    () => ({
      operations: [{ kind: 'packs.added' as const, repo: 'default/data', ...packs }],
      result: null,
    }),
    ACTOR,
  );
  assert.equal((await pfs.context.objects.readBlob(id)).toString(), 'slow');
});

it('an upload older than the horizon lands while its bytes are there, under another name', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'data');
  const session = pfs.context.newSession();
  const { id } = await session.smallFile(Buffer.from('slow'));
  const packs = await session.finish();
  const old = packs.added[0]?.id ?? '';
  await pfs.context.journal.transact(
    () => ({
      operations: [
        { kind: 'packs.horizon' as const, before: `${old.slice(0, 12)}f`.padEnd(32, 'f') },
      ],
      result: null,
    }),
    ACTOR,
  );
  pass(HOUR);
  await pfs.context.journal.transact(
    () => ({
      operations: [{ kind: 'packs.added' as const, repo: 'default/data', ...packs }],
      result: null,
    }),
    ACTOR,
  );
  assert.ok(!packIds(pfs).includes(old));
  assert.equal((await pfs.context.objects.readBlob(id)).toString(), 'slow');
  await pfs.store.delete(packKey(old));
  await pfs.store.delete(packIndexKey(old));
  assert.equal((await pfs.context.objects.readBlob(id)).toString(), 'slow');
});

it('what an engine announced and did not get round to delete is deleted by the next, and then forgotten', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'gone');
  await put(pfs, 'gone@master', { '/a': 'x' });
  const [pack = ''] = packIds(pfs);
  await removeRepo(pfs, 'gone');
  pass(GRACE + HOUR);
  await collectOn(pfs);
  const { journal } = pfs.context;
  await journal.transact(
    () => ({ operations: [{ kind: 'packs.deleted' as const, packs: [pack] }], result: null }),
    ACTOR,
  );
  assert.deepEqual(await storedPacks(pfs), [pack]);
  pass(HOUR);
  await collectOn(pfs);
  assert.deepEqual(await storedPacks(pfs), []);
  pass(GRACE + HOUR);
  await collectOn(pfs);
  assert.equal(journal.state.removedPacks.size, 0);
});

it('a late duplicate of a put that brings a deleted pack back into the store is cleared away', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'gone');
  await put(pfs, 'gone@master', { '/a': 'x' });
  const [pack = ''] = packIds(pfs);
  const bytes = await pfs.store.get(packKey(pack));
  await removeRepo(pfs, 'gone');
  for (let i = 0; i < 2; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
  }
  assert.deepEqual(await storedPacks(pfs), []);
  await pfs.store.put(packKey(pack), bytes);
  pass(GRACE + HOUR);
  assert.equal((await collectOn(pfs)).orphans.count, 1);
  assert.deepEqual(await storedPacks(pfs), []);
});

it('logs of jobs that no pipeline has go after the grace period, others stay', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'data');
  const { id: open } = await startCommit(
    pfs.context,
    { repo: 'default/data', branch: 'master', description: '' },
    ACTOR,
  );
  const dead = pfs.context.ids.next();
  for (const job of [open, dead]) {
    await pfs.store.put(logSegmentKey(job, 0), Buffer.from('lines'));
  }
  assert.equal((await collectOn(pfs)).logs.count, 0, 'too young');
  pass(GRACE + HOUR);
  assert.equal((await collectOn(pfs, { dryRun: true })).logs.count, 1);
  await collectOn(pfs);
  assert.deepEqual(await keysOf(pfs.store, LOGS_PREFIX), [logSegmentKey(open, 0)]);
});
