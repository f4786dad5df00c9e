import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { checkTagName, deleteTag, putTag, resolveTag, tagsOf } from '../../../engine/pfs/tags.ts';
import { ACTOR, createRepos, openTestPfs, type Pfs, put, readAll } from '../../support/pfs.ts';

const repo = 'default/data';

async function rig(t: TestContext) {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  const ids: string[] = [];
  for (const file of ['0', '1', '2']) {
    ids.push((await put(pfs, 'data@master', { [file]: file })).id);
  }
  return { store, pfs, ids };
}

const tag = (pfs: Pfs, name: string, head: string, force = false) =>
  putTag(pfs.context, { repo, name, head, description: '', force }, ACTOR);

it('names a commit that stays where it is while the branch goes on, also from history', async (t) => {
  const { store, pfs, ids } = await rig(t);
  await tag(pfs, 'v1.2', 'master^');
  await put(pfs, 'data@master', { 3: '3' });
  await pfs.context.journal.snapshot();
  const reopened = await openTestPfs({ t, store });
  for (const engine of [pfs, reopened]) {
    assert.equal((await resolveCommit(engine.context, repo, 'v1.2')).id, ids[1]);
    assert.equal((await resolveCommit(engine.context, repo, 'v1.2^')).id, ids[0]);
    assert.deepEqual(await readAll(engine, 'data@v1.2'), { 0: '0', 1: '1' });
    assert.deepEqual(
      tagsOf(engine.context.journal.state, repo).map(({ name }) => name),
      ['v1.2'],
    );
  }
  const moved = await putBranch(pfs.context, { repo, branch: 'old', head: 'v1.2' }, ACTOR);
  assert.equal(moved.head, ids[1]);
});

it('takes what looks like the N-th commit of a line for a tag where there is one', async (t) => {
  const { pfs, ids } = await rig(t);
  assert.equal((await resolveCommit(pfs.context, repo, 'master.1')).id, ids[0]);
  await tag(pfs, 'master.1', 'master');
  assert.equal((await resolveCommit(pfs.context, repo, 'master.1')).id, ids[2]);
  await deleteTag(pfs.context, { repo, name: 'master.1' }, ACTOR);
  assert.equal((await resolveCommit(pfs.context, repo, 'master.1')).id, ids[0]);
});

it('moves a tag only by force', async (t) => {
  const { pfs, ids } = await rig(t);
  await tag(pfs, 'v1', 'master.1');
  await assert.rejects(tag(pfs, 'v1', 'master'), {
    code: 'already_exists',
    message: new RegExp(`it names commit ${ids[0]}; move it with --force, or use another name$`),
  });
  assert.equal((await tag(pfs, 'v1', 'master', true)).commit, ids[2]);
  assert.equal(resolveTag(pfs.context, repo, 'v1').commit, ids[2]);
});

it('lets nothing be committed to a tag, and no tag take the name of a branch', async (t) => {
  const { pfs } = await rig(t);
  await tag(pfs, 'v1', 'master');
  await assert.rejects(put(pfs, 'data@v1', { a: 'a' }), {
    code: 'failed_precondition',
    message: /^Cannot commit to branch "v1" of repo "data": that is a tag/,
  });
  await assert.rejects(startCommit(pfs.context, { repo, branch: 'v1', description: '' }, ACTOR), {
    code: 'failed_precondition',
  });
  await assert.rejects(putBranch(pfs.context, { repo, branch: 'v1', head: 'master' }, ACTOR), {
    message: /^Cannot move branch "v1" of repo "data": that is a tag/,
  });
  await assert.rejects(tag(pfs, 'master', 'master^'), {
    code: 'failed_precondition',
    message: /a branch has that name; use another one$/,
  });
});

it('names good finished commits only', async (t) => {
  const { pfs } = await rig(t);
  const { id } = await startCommit(pfs.context, { repo, branch: 'master', description: '' }, ACTOR);
  await assert.rejects(tag(pfs, 'v1', id), {
    code: 'failed_precondition',
    message: new RegExp(`^Cannot tag commit ${id}: it has not finished`),
  });
  await assert.rejects(tag(pfs, 'v1', 'none'), { code: 'not_found' });
  await assert.rejects(deleteTag(pfs.context, { repo, name: 'v1' }, ACTOR), { code: 'not_found' });
});

it('goes with its repo', async (t) => {
  const { pfs } = await rig(t);
  await tag(pfs, 'v1', 'master');
  await deleteRepo(pfs.context, { key: repo, force: false }, ACTOR);
  assert.equal(pfs.context.journal.state.tags.size, 0);
});

it('takes the names that Git takes, and no others', () => {
  for (const name of ['v1', 'v1.2.3', 'a_b-c', '1']) {
    checkTagName(name);
  }
  for (const name of [
    '',
    '.a',
    'a.',
    'a..b',
    'a.lock',
    'a b',
    'a/b',
    'f'.repeat(32),
    'ä',
    'x'.repeat(64),
  ]) {
    assert.throws(() => checkTagName(name), { code: 'invalid' }, name);
  }
});
