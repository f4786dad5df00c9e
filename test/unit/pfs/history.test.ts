import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import {
  listCommits,
  listSetIds,
  orderedSet,
  subscribeCommits,
  walkCommits,
} from '../../../engine/pfs/commit-list.ts';
import { lastGood, listSet, resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { createRepo, deleteRepo } from '../../../engine/pfs/repos.ts';
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

const data = { repo: 'default/data', branch: 'master' };
const out = { repo: 'default/out', branch: 'master' };

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) {
    items.push(item);
  }
  return items;
}

/** Everything that can be asked about commits. */
async function answers(pfs: Pfs) {
  const { context } = pfs;
  const sets = await collect(listSetIds(context));
  const refs: Record<string, string> = {};
  for (const set of sets) {
    for (const form of ['', '^', '.1', '.2']) {
      for (const repo of [data.repo, out.repo]) {
        refs[`${repo}@${set}${form}`] = await resolveCommit(context, repo, `${set}${form}`).then(
          ({ id }) => id,
          (error: Error) => error.message,
        );
      }
    }
  }
  const stop = new AbortController();
  const seen: string[] = [];
  const head = context.journal.state.branches.get('default/data@master')?.head;
  for await (const { id } of subscribeCommits(context, data, { signal: stop.signal })) {
    seen.push(id);
    if (id === head) {
      stop.abort();
    }
  }
  const commits = await collect(listCommits(context, data.repo));
  for (const at of [0, 1, 7, 19]) {
    const older = await collect(listCommits(context, data.repo, { before: commits[at]?.id }));
    assert.deepEqual(older, commits.slice(at + 1));
  }
  return {
    sets,
    refs,
    seen,
    commits,
    outputs: await collect(listCommits(context, out.repo)),
    line: await collect(walkCommits(context, data.repo, 'master')),
    ordered: await Promise.all(sets.map((set) => orderedSet(context, set))),
    files: await readAll(pfs, 'data@master^3'),
    good: await lastGood(context, data.repo, head ?? null),
  };
}

/** Two repos, one made from the other, with twenty commits in each. */
async function fill(pfs: Pfs): Promise<void> {
  await createRepos(pfs, 'data', 'out');
  await link(pfs, { branch: out, provenance: [data] });
  for (let i = 0; i < 20; i++) {
    await put(pfs, 'data@master', { [`${i % 7}`]: `${i}` });
    await finishOutputs(pfs);
  }
}

async function rig(t: TestContext) {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await fill(pfs);
  return { store, pfs };
}

it('answers the same before and after finished commits leave the state', async (t) => {
  const { store, pfs } = await rig(t);
  const late = await openTestPfs({ t, store });
  const before = await answers(pfs);
  assert.equal(pfs.context.journal.state.commits.size, 40);
  await pfs.context.journal.snapshot();
  assert.equal(pfs.context.journal.state.commits.size, 2, 'the heads alone');
  assert.deepEqual(await answers(pfs), before);
  assert.equal(late.context.journal.state.commits.size, 40, 'it has retired nothing');
  assert.deepEqual(await answers(late), before);
  const reopened = await openTestPfs({ t, store });
  assert.equal(reopened.context.journal.state.commits.size, 2);
  assert.deepEqual(await answers(reopened), before);
});

it('goes on from what has left the state as from what has not', async (t) => {
  const { store, pfs } = await rig(t);
  const late = await openTestPfs({ t, store });
  await pfs.context.journal.snapshot();
  const { id } = await resolveCommit(pfs.context, data.repo, 'master.5');
  // A head moved back to a retired commit; what was there goes on from it.
  // By an engine that still has it in its state, unlike the other one.
  await putBranch(late.context, { ...data, head: id }, ACTOR);
  await pfs.context.journal.sync();
  assert.ok(pfs.context.journal.state.commits.has(`default/data@${id}`));
  await finishOutputs(pfs);
  await late.context.journal.sync();
  for (const engine of [pfs, late]) {
    const next = await put(engine, 'data@master', { next: 'x' });
    assert.equal(next.parent, id);
    assert.equal(next.depth, 5);
    await finishOutputs(engine);
    await Promise.all([pfs.context.journal.sync(), late.context.journal.sync()]);
    await putBranch(pfs.context, { ...data, head: `${id}` }, ACTOR);
    await finishOutputs(pfs);
    await Promise.all([pfs.context.journal.sync(), late.context.journal.sync()]);
  }
  assert.deepEqual(await answers(late), await answers(pfs));
  const open = await startCommit(
    pfs.context,
    { repo: data.repo, branch: 'dev', parent: 'master.3', description: '' },
    ACTOR,
  );
  assert.equal(open.depth, 3);
  await pfs.context.journal.snapshot();
  await finishCommit(pfs.context, { repo: data.repo, ref: 'dev' }, ACTOR);
  const reopened = await openTestPfs({ t, store });
  await late.context.journal.sync();
  assert.deepEqual(await readAll(reopened, 'data@dev'), { '0': '0', '1': '1', '2': '2' });
  assert.deepEqual(await answers(reopened), await answers(pfs));
  assert.deepEqual(await answers(late), await answers(pfs));
});

it('keeps in the state what open commits need', async (t) => {
  const { pfs } = await rig(t);
  const source = await resolveCommit(pfs.context, data.repo, 'master');
  const causing = await put(pfs, 'data@master', { cause: 'x' });
  await put(pfs, 'data@master', { later: 'x' });
  const open = await startCommit(pfs.context, { ...data, description: '' }, ACTOR);
  await pfs.context.journal.snapshot();
  const { commits } = pfs.context.journal.state;
  for (const id of [open.id, open.parent ?? '', causing.id]) {
    assert.ok(commits.has(`default/data@${id}`), 'an open one, its parent, what a job reads');
  }
  assert.ok(commits.has(`default/out@${source.id}`), 'the parent of an output that is being made');
  assert.ok(!commits.has(`default/data@${source.id}`));
});

it('gives a repo made again under an old name no past', async (t) => {
  const { store, pfs } = await rig(t);
  const [old] = await collect(listCommits(pfs.context, data.repo));
  const late = await openTestPfs({ t, store });
  await pfs.context.journal.snapshot();
  await deleteRepo(pfs.context, { key: data.repo, force: true }, ACTOR);
  await createRepo(pfs.context, { key: data.repo, description: '' }, ACTOR);
  await late.context.journal.sync();
  await late.context.journal.snapshot();
  const reopened = await openTestPfs({ t, store });
  for (const engine of [pfs, late, reopened]) {
    assert.deepEqual(await collect(listCommits(engine.context, data.repo)), []);
    await assert.rejects(resolveCommit(engine.context, data.repo, old?.id ?? ''), {
      code: 'not_found',
    });
    const set = await listSet(engine.context, old?.id ?? '');
    assert.deepEqual(
      set.map(({ repo }) => repo),
      [out.repo],
    );
  }
  await deleteRepo(pfs.context, { key: out.repo, force: false }, ACTOR);
  assert.deepEqual(await collect(listSetIds(pfs.context)), []);
});

it('retires by itself as the journal grows', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store, snapshots: { entries: 5 } });
  await fill(pfs);
  const expected = await answers(pfs);
  assert.equal(expected.commits.length, 20);
  const reopened = await openTestPfs({ t, store });
  assert.deepEqual(await answers(reopened), expected);
  assert.ok(reopened.context.journal.state.commits.size < 20);
});
