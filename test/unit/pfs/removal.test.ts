import assert from 'node:assert/strict';
import { it } from 'node:test';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { listSetIds, subscribeCommits, walkCommits } from '../../../engine/pfs/commit-list.ts';
import { findCommit, listSet, resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { deleteTag, putTag } from '../../../engine/pfs/tags.ts';
import {
  ACTOR,
  createRepos,
  finishOutputs,
  link,
  openTestPfs,
  type Pfs,
  put,
  readAll,
} from '../../support/pfs.ts';
import { collect, data, facts, gitLine, out, rig } from './removal-rig.ts';

async function assertGone(pfs: Pfs, id: string): Promise<void> {
  for (const { repo } of [data, out]) {
    assert.equal(await findCommit(pfs.context, repo, id), undefined);
    await assert.rejects(resolveCommit(pfs.context, repo, id), { code: 'not_found' });
  }
  assert.deepEqual(await listSet(pfs.context, id), []);
}

for (const where of ['the state', 'history'] as const) {
  it(`squashes a commit set out of ${where}, and every other commit keeps its files`, async (t) => {
    const { store, pfs, ids, squash } = await rig(t);
    const late = await openTestPfs({ t, store });
    if (where === 'history') {
      await pfs.context.journal.snapshot();
      assert.equal(pfs.context.journal.state.commits.size, 2);
    }
    const files = await Promise.all(ids.map((id) => readAll(pfs, `data@${id}`)));
    const gone = ids[2] ?? '';
    const removed = await squash(gone);
    assert.deepEqual(removed.map(({ repo, id }) => [repo, id]).sort(), [
      [data.repo, gone],
      [out.repo, gone],
    ]);
    await late.context.journal.sync();
    await late.context.journal.snapshot();
    await pfs.context.journal.snapshot();
    const left = ids.filter((id) => id !== gone);
    const reversed = left.toReversed();
    for (const engine of [pfs, late, await openTestPfs({ t, store })]) {
      await assertGone(engine, gone);
      assert.deepEqual(await facts(engine), {
        line: reversed,
        byNumber: reversed.flatMap((id) => [id, id]),
        all: reversed,
        sets: reversed,
        git: reversed,
      });
      for (const [i, id] of ids.entries()) {
        if (id !== gone) {
          assert.deepEqual(await readAll(engine, `data@${id}`), files[i]);
        }
      }
      const next = await resolveCommit(engine.context, out.repo, ids[3] ?? '');
      assert.equal(next.parent, ids[1]);
    }
  });
}

it('squashes one set after the other, first ones too, and goes on from what is left', async (t) => {
  const { store, pfs, ids, squash } = await rig(t, 8);
  for (const i of [0, 5, 4, 1]) {
    await squash(ids[i] ?? '');
    await pfs.context.journal.snapshot();
  }
  const { id } = await put(pfs, 'data@master', { more: 'x' });
  await finishOutputs(pfs);
  const left = [id, ids[7], ids[6], ids[3], ids[2]];
  const reopened = await openTestPfs({ t, store });
  for (const engine of [pfs, reopened]) {
    const { line, git, byNumber } = await facts(engine);
    assert.deepEqual(line, left);
    assert.deepEqual(git, left);
    assert.deepEqual(
      byNumber.filter((_, i) => i % 2 === 0),
      left,
    );
  }
});

it('squashes where lines part, and rewrites all of them', async (t) => {
  const { pfs, ids, squash } = await rig(t, 3);
  await putBranch(pfs.context, { repo: data.repo, branch: 'dev', head: 'master^' }, ACTOR);
  const dev = await put(pfs, 'data@dev', { dev: 'dev' });
  await putBranch(pfs.context, { repo: data.repo, branch: 'dev2', head: dev.id }, ACTOR);
  await squash(ids[1] ?? '');
  assert.deepEqual((await facts(pfs)).git, [ids[2], ids[0]]);
  const rewritten = await resolveCommit(pfs.context, data.repo, 'dev');
  assert.equal(rewritten.parent, ids[0]);
  assert.deepEqual(await gitLine(pfs, rewritten), [dev.id, ids[0]]);
  assert.deepEqual(await readAll(pfs, 'data@dev'), { 0: '0', 1: '1', dev: 'dev' });
});

it('refuses to squash what would lose data', async (t) => {
  const { pfs, ids, squash } = await rig(t, 3);
  const head = ids[2] ?? '';
  const refuses = async (id: string, message: RegExp) => {
    await assert.rejects(squash(id), { code: 'failed_precondition', message });
    assert.equal((await resolveCommit(pfs.context, data.repo, id)).id, id);
  };
  await refuses(
    head,
    /in repo "(data|out)" has no children, so what it brought would be lost; drop/,
  );
  await assert.rejects(squash('f'.repeat(32)), { code: 'not_found' });
  await putBranch(pfs.context, { repo: data.repo, branch: 'old', head: ids[1] ?? '' }, ACTOR);
  await refuses(ids[1] ?? '', /branch "old" of repo "data" shows its commit; move the branch/);
  await putBranch(pfs.context, { repo: data.repo, branch: 'old', head: ids[2] ?? '' }, ACTOR);
  const tag = { repo: data.repo, name: 'v1' };
  await putTag(pfs.context, { ...tag, head: ids[1] ?? '', description: '', force: false }, ACTOR);
  await refuses(ids[1] ?? '', /tag data@v1 names a commit of it; delete the tag first/);
  await deleteTag(pfs.context, tag, ACTOR);
  await squash(ids[1] ?? '');
});

it('refuses to squash below a child that is open, or failed and all there is', async (t) => {
  const { pfs, ids, squash } = await rig(t, 2);
  const { id: third } = await put(pfs, 'data@master', { 2: '2' });
  await assert.rejects(squash(ids[1] ?? ''), {
    code: 'failed_precondition',
    message: new RegExp(`child commit ${third} in repo "out" has not finished; wait for it`),
  });
  await assert.rejects(
    squash(third),
    /its commit in repo "data" has no children, so what it brought would be lost/,
  );
  await pfs.context.journal.transact(
    () => ({
      operations: [
        {
          kind: 'commit.finished' as const,
          repo: out.repo,
          commit: third,
          time: 1,
          tree: null,
          git: null,
          size: 0,
          files: 0,
          error: 'bad',
        },
      ],
      result: null,
    }),
    ACTOR,
  );
  await assert.rejects(squash(ids[1] ?? ''), {
    message: /branch "master" of repo "out" shows its commit/,
  });
  await put(pfs, 'data@master', { 3: '3' });
  await assert.rejects(squash(ids[1] ?? ''), {
    message: /commit [0-9a-f]{32} in repo "out" goes on from it and has not finished/,
  });
  await finishOutputs(pfs);
  await squash(ids[1] ?? '');
  await squash(third);
});

it('refuses to remove what another commit set was made from', async (t) => {
  const { pfs, ids, squash, drop } = await rig(t, 1);
  await createRepos(pfs, 'other', 'joined');
  const other = { repo: 'default/other', branch: 'master' };
  const joined = { repo: 'default/joined', branch: 'master' };
  await link(pfs, { branch: joined, provenance: [data, other] });
  const { id } = await put(pfs, 'other@master', { o: 'o' });
  await finishOutputs(pfs);
  await pfs.context.journal.snapshot();
  await assert.rejects(drop(ids[0] ?? ''), {
    code: 'failed_precondition',
    message: `Cannot delete commit set ${ids[0]}: commit set ${id} was made from it; delete that first`,
  });
  await put(pfs, 'data@master', { 1: '1' });
  await finishOutputs(pfs);
  await assert.rejects(squash(ids[0] ?? ''), /was made from it; squash that first/);
  await drop((await resolveCommit(pfs.context, data.repo, 'master')).id);
  await drop(id);
  await drop(ids[0] ?? '');
  await assertGone(pfs, ids[0] ?? '');
});

it('drops the newest set, and branches go back to where they were', async (t) => {
  const { store, pfs, ids, drop } = await rig(t, 3);
  await pfs.context.journal.snapshot();
  await putBranch(pfs.context, { repo: data.repo, branch: 'also', head: 'master' }, ACTOR);
  const late = await openTestPfs({ t, store });
  await assert.rejects(drop(ids[1] ?? ''), {
    code: 'failed_precondition',
    message: new RegExp(
      `^Cannot delete commit set ${ids[1]}: its commit in repo "\\w+" has the child ${ids[2]}`,
    ),
  });
  await drop(ids[2] ?? '', late);
  await pfs.context.journal.sync();
  for (const engine of [pfs, late, await openTestPfs({ t, store })]) {
    await assertGone(engine, ids[2] ?? '');
    for (const branch of ['master', 'also']) {
      assert.deepEqual(await readAll(engine, `data@${branch}`), { 0: '0', 1: '1' });
    }
    assert.equal((await resolveCommit(engine.context, out.repo, 'master')).id, ids[1]);
  }
  const next = await put(pfs, 'data@master', { 9: '9' });
  assert.equal(next.parent, ids[1]);
  await finishOutputs(pfs);
  await drop(next.id);
  await drop(ids[1] ?? '');
  await drop(ids[0] ?? '');
  assert.deepEqual(await readAll(pfs, 'data@master'), {});
  assert.deepEqual(await collect(listSetIds(pfs.context)), []);
  await put(pfs, 'data@master', { new: 'life' });
});

it('drops an open commit with what was put into it', async (t) => {
  const { pfs, ids, drop } = await rig(t, 1);
  const { id } = await startCommit(pfs.context, { ...data, description: '' }, ACTOR);
  await put(pfs, 'data@master', { x: 'x' });
  await drop(id);
  await assertGone(pfs, id);
  assert.deepEqual(await readAll(pfs, 'data@master'), { 0: '0' });
  await assert.rejects(finishCommit(pfs.context, { repo: data.repo, ref: id }, ACTOR), {
    code: 'not_found',
  });
  assert.equal((await put(pfs, 'data@master', { y: 'y' })).parent, ids[0]);
});

it('is not undone by what another engine read before', async (t) => {
  const { store, pfs, ids, squash, drop } = await rig(t, 4);
  const late = await openTestPfs({ t, store });
  await pfs.context.journal.snapshot();
  // The other one knows all of it still, and has not heard of the removal.
  await squash(ids[1] ?? '');
  await drop(ids[3] ?? '');
  await pfs.context.journal.snapshot();
  const start = (parent: string) =>
    startCommit(late.context, { repo: data.repo, branch: 'dev', parent, description: '' }, ACTOR);
  await assert.rejects(start(ids[1] ?? ''), { code: 'not_found' });
  await assert.rejects(
    putBranch(late.context, { repo: data.repo, branch: 'dev', head: ids[3] ?? '' }, ACTOR),
    { code: 'not_found' },
  );
  await assert.rejects(
    putTag(
      late.context,
      { repo: data.repo, name: 'v1', head: ids[1] ?? '', description: '', force: false },
      ACTOR,
    ),
    { code: 'not_found' },
  );
  const next = await put(late, 'data@master', { next: 'x' });
  await pfs.context.journal.sync();
  assert.deepEqual(await gitLine(pfs, next), [next.id, ids[2], ids[0]]);
});

it('removes a set while others commit to the same branch', async (t) => {
  const { pfs, ids, squash } = await rig(t, 3);
  const [removed, ...commits] = await Promise.all([
    squash(ids[1] ?? ''),
    ...Array.from({ length: 12 }, (_, i) => put(pfs, 'data@aside', { [`a${i}`]: 'x' })),
    ...Array.from({ length: 12 }, (_, i) => put(pfs, 'data@master', { [`m${i}`]: 'x' })),
  ]);
  assert.equal(removed.length, 2);
  assert.equal(commits.length, 24);
  const line = await collect(walkCommits(pfs.context, data.repo, 'master'));
  assert.equal(line.length, 14);
  assert.deepEqual(
    await gitLine(pfs, line[0]),
    line.map(({ id }) => id),
  );
});

it('tells who follows a branch about what came after a commit that was removed', async (t) => {
  const { pfs, ids, drop } = await rig(t, 2);
  const stop = new AbortController();
  const stream = subscribeCommits(pfs.context, data, { signal: stop.signal, from: ids[0] ?? '' });
  const next = async () => (await stream.next()).value?.id;
  assert.equal(await next(), ids[1]);
  await drop(ids[1] ?? '');
  const { id } = await put(pfs, 'data@master', { 9: '9' });
  assert.equal(await next(), id);
  stop.abort();
});
