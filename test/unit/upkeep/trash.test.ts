import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deleteBranch, putBranch } from '../../../engine/pfs/branches.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { undeleteBranch, undeleteRepo } from '../../../engine/pfs/undelete.ts';
import { ACTOR, createRepos, type Pfs, put, readAll } from '../../support/pfs.ts';
import { collectOn, GRACE, HOUR, newUpkeepRig } from './upkeep-rig.ts';

const MiB = 1024 * 1024;

async function removeRepo(pfs: Pfs, name: string): Promise<void> {
  await deleteRepo(pfs.context, { key: `default/${name}`, force: false }, ACTOR);
}

it('a deleted branch comes back with its head, also when the commit had gone to history', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'data');
  const { id } = await put(pfs, 'data@work', { '/a': '1' });
  await put(pfs, 'data@master', { '/b': '1' });
  const branch = { repo: 'default/data', branch: 'work' };
  await deleteBranch(pfs.context, { ...branch, force: false }, ACTOR);
  await pfs.context.journal.snapshot();
  assert.equal((await undeleteBranch(pfs.context, branch, ACTOR)).head, id);
  assert.deepEqual(await readAll(pfs, 'data@work'), { a: '1' });
  await assert.rejects(undeleteBranch(pfs.context, branch, ACTOR), { code: 'not_found' });
  await deleteBranch(pfs.context, { ...branch, force: false }, ACTOR);
  await putBranch(pfs.context, { ...branch, head: 'master' }, ACTOR);
  await assert.rejects(undeleteBranch(pfs.context, branch, ACTOR), { code: 'already_exists' });
  await deleteBranch(pfs.context, { ...branch, force: false }, ACTOR);
  pass(GRACE + HOUR);
  await collectOn(pfs);
  await assert.rejects(undeleteBranch(pfs.context, branch, ACTOR), { code: 'not_found' });
});

it('a deleted repo comes back with branches, tags and history, unless its name was taken', async (t) => {
  const { pfs, pass, open } = await newUpkeepRig(t);
  await createRepos(pfs, 'data');
  const first = await put(pfs, 'data@master', { '/a': '1' });
  await pfs.context.journal.snapshot();
  await put(pfs, 'data@master', { '/a': '2', '/large': Buffer.alloc(2 * MiB, 5) });
  await removeRepo(pfs, 'data');
  await assert.rejects(readAll(pfs, 'data@master'), { code: 'not_found' });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { '/other': 'repo' });
  await assert.rejects(undeleteRepo(pfs.context, 'default/data', ACTOR), {
    code: 'already_exists',
  });
  await removeRepo(pfs, 'data');
  await undeleteRepo(pfs.context, 'default/data', ACTOR);
  assert.deepEqual(await readAll(pfs, 'data@master'), { other: 'repo' }, 'the newest of that name');
  await removeRepo(pfs, 'data');
  pass(GRACE - HOUR);
  await collectOn(pfs);
  const { trash } = pfs.context.journal.state;
  const [row] = [...trash.values()];
  assert.ok(row?.kind === 'repo');
  await pfs.context.journal.transact(
    () => ({
      operations: [{ kind: 'repo.undeleted' as const, repoId: row.repo.id }],
      result: null,
    }),
    ACTOR,
  );
  pass(2 * GRACE);
  await collectOn(pfs);
  const other = await open();
  assert.deepEqual((await readAll(other, `data@${first.id}`)).a, '1');
  assert.equal((await readAll(other, 'data@master')).large?.length, 2 * MiB);
});
