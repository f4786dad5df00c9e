import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { deleteBranch, putBranch, resolveBranch } from '../../../engine/pfs/branches.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { checkBranchName, normalizePath, repoKeyOf } from '../../../engine/pfs/names.ts';
import { createRepo, deleteRepo, describeRepo } from '../../../engine/pfs/repos.ts';
import { ACTOR, createRepos, link, openTestPfs, put, readAll } from '../../support/pfs.ts';

const repo = 'default/data';
const master = { repo, branch: 'master' };

async function rig(t: TestContext) {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data', 'out');
  const ids: string[] = [];
  for (const file of ['0', '1', '2']) {
    ids.push((await put(pfs, 'data@master', { [file]: file })).id);
  }
  const [first = '', second = '', third = ''] = ids;
  const put_ = (branch: string, head?: string) =>
    putBranch(pfs.context, { repo, branch, ...(head === undefined ? {} : { head }) }, ACTOR);
  return { pfs, first, second, third, putBranch: put_ };
}

it('moves a head backwards, forwards and sideways', async (t) => {
  const { pfs, first, third, putBranch } = await rig(t);
  assert.equal((await putBranch('master', 'master^^')).head, first);
  assert.deepEqual(await readAll(pfs, 'data@master'), { '0': '0' });
  const side = await put(pfs, 'data@master', { side: 'x' });
  assert.deepEqual([side.parent, side.depth], [first, 1]);
  assert.equal((await putBranch('master', third)).head, third);
  assert.equal((await putBranch('master', side.id)).head, side.id);
  assert.deepEqual(await readAll(pfs, 'data@master'), { '0': '0', side: 'x' });
  assert.deepEqual(await readAll(pfs, `data@${third}`), { '0': '0', '1': '1', '2': '2' });
});

it('makes branches, with a head or empty, and leaves one that is there alone', async (t) => {
  const { pfs, second, putBranch } = await rig(t);
  assert.equal((await putBranch('dev', 'master.2')).head, second);
  assert.equal((await putBranch('dev')).head, second);
  assert.equal((await putBranch('empty')).head, null);
  assert.deepEqual(await readAll(pfs, 'data@empty'), {});
  assert.equal((await put(pfs, 'data@empty', { a: 'a' })).parent, null);
  await assert.rejects(putBranch('x', 'none'), { code: 'not_found' });
  await assert.rejects(putBranch('-', 'a b'), { code: 'invalid' });
  for (const name of ['', 'a b', 'a/b', 'f'.repeat(32), 'x'.repeat(64), 'ä', 'a.b']) {
    assert.throws(() => checkBranchName(name), { code: 'invalid' }, name);
  }
});

it('moves no head to or from a commit that is open', async (t) => {
  const { pfs, first, putBranch } = await rig(t);
  const open = await startCommit(pfs.context, { ...master, description: '' }, ACTOR);
  await assert.rejects(putBranch('dev', 'master'), {
    code: 'failed_precondition',
    message: new RegExp(`^Cannot move branch "dev" to commit ${open.id}: it has not finished`),
  });
  await assert.rejects(putBranch('master', first), {
    message: new RegExp(`commit ${open.id} is open there; finish it first`),
  });
  await assert.rejects(
    deleteBranch(pfs.context, { ...master, force: false }, ACTOR),
    /is open there; finish it first, or use --force/,
  );
  await finishCommit(pfs.context, { repo, ref: 'master' }, ACTOR);
  await putBranch('master', first);
});

it('deletes a branch that others read only by force, and they lose it', async (t) => {
  const { pfs, third } = await rig(t);
  const out = { repo: 'default/out', branch: 'master' };
  await link(pfs, { branch: out, provenance: [master] });
  const remove = (force: boolean) => deleteBranch(pfs.context, { ...master, force }, ACTOR);
  await assert.rejects(remove(false), {
    code: 'failed_precondition',
    message:
      /^Cannot delete branch "master" of repo "data": it is read by "out"; delete what reads it first/,
  });
  await assert.rejects(deleteBranch(pfs.context, { ...out, force: true }, ACTOR), {
    message: /^Cannot delete branch "master" of repo "out": pipeline "out" writes it/,
  });
  await remove(true);
  assert.deepEqual(resolveBranch(pfs.context, out.repo, 'master').provenance, []);
  await assert.rejects(remove(true), { code: 'not_found' });
  assert.deepEqual(Object.keys(await readAll(pfs, `data@${third}`)), ['0', '1', '2']);
});

it('deletes a repo that others read only by force', async (t) => {
  const { pfs } = await rig(t);
  const out = { repo: 'default/out', branch: 'master' };
  await link(pfs, { branch: out, provenance: [master] });
  const remove = (force: boolean) => deleteRepo(pfs.context, { key: repo, force }, ACTOR);
  await assert.rejects(remove(false), { code: 'failed_precondition', message: /read by "out"/ });
  await remove(true);
  const { state } = pfs.context.journal;
  assert.deepEqual([...state.branches.keys()], ['default/out@master']);
  assert.equal(state.commits.size, 0);
  assert.deepEqual(
    [...state.trash.values()].map(({ kind }) => kind),
    ['repo'],
    'what it held can be had back',
  );
  await assert.rejects(remove(true), { code: 'not_found' });
  await assert.rejects(put(pfs, 'data@master', { a: 'a' }), /make it with pfs create-repo data$/);
});

it('makes and describes repos, under names of the right form', async (t) => {
  const { pfs } = await rig(t);
  const create = (key: string) => createRepo(pfs.context, { key, description: 'd' }, ACTOR);
  await assert.rejects(create(repo), {
    code: 'already_exists',
    message: /"data": it already exists$/,
  });
  await create('other/data');
  const described = await describeRepo(pfs.context, { key: repo, description: 'new' }, ACTOR);
  assert.equal(described.description, 'new');
  assert.equal(pfs.context.journal.state.repos.get(repo)?.description, 'new');
  for (const key of [
    'default/',
    'default/a.spec',
    'default/a.meta',
    'default/a b',
    '/a',
    'a b/c',
  ]) {
    await assert.rejects(create(key), { code: 'invalid' }, key);
  }
  assert.equal(repoKeyOf('p', 'a.spec'), 'p/a.spec');
  assert.throws(() => repoKeyOf('p', 'a.b'), { code: 'invalid' });
  assert.equal(normalizePath('//a///b/'), 'a/b');
});
