import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { BranchRef } from '../../../engine/journal/records.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { listSetIds, orderedSet } from '../../../engine/pfs/commit-list.ts';
import { listSet, resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { finishCommit, openTree, startCommit } from '../../../engine/pfs/commits.ts';
import {
  ACTOR,
  createRepos,
  finishOutputs,
  link,
  openTestPfs,
  type Pfs,
  put,
} from '../../support/pfs.ts';

const ref = (text: string): BranchRef => {
  const [name, branch = 'master'] = text.split('@');
  return { repo: `default/${name}`, branch };
};

/** Makes repos whose branches `master` read those of others. */
async function graph(
  t: TestContext,
  edges: Readonly<Record<string, readonly string[]>>,
): Promise<Pfs> {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, ...Object.keys(edges));
  for (const [name, sources] of Object.entries(edges)) {
    if (sources.length > 0) {
      await link(pfs, { branch: ref(name), provenance: sources.map(ref) });
    }
  }
  return pfs;
}

/** Returns the repos that have a commit in the set, each with what it was made from. */
async function setOf(pfs: Pfs, id: string): Promise<Record<string, string[]>> {
  const shown: Record<string, string[]> = {};
  for (const { repo, provenance } of await listSet(pfs.context, id)) {
    const mine = (commit: string) => (commit === id ? 'set' : 'other');
    shown[repo.slice(8)] = provenance.map((one) => `${one.repo.slice(8)} ${mine(one.commit)}`);
  }
  return shown;
}

it('starts one commit in each repo of a chain', async (t) => {
  const pfs = await graph(t, { a: [], b: ['a'], c: ['b'], aside: [] });
  const { id } = await put(pfs, 'a@master', { f: '1' });
  assert.deepEqual(await setOf(pfs, id), { a: [], b: ['a set'], c: ['b set'] });
  const order = (await orderedSet(pfs.context, id)).map(({ repo }) => repo.slice(8));
  assert.deepEqual(order, ['a', 'b', 'c']);
  await assert.rejects(openTree(pfs.context, 'default/b', 'master'), {
    code: 'failed_precondition',
    message: /^Cannot read b@master: its job is still running/,
  });
});

it('starts one commit in each repo of a diamond, after all its sources', async (t) => {
  const pfs = await graph(t, { z: ['y', 'x'], y: ['a'], x: ['a', 'b'], a: [], b: [] });
  const { id: first } = await put(pfs, 'a@master', { f: '1' });
  assert.deepEqual(await setOf(pfs, first), {
    a: [],
    x: ['a set'],
    y: ['a set'],
    z: ['y set', 'x set'],
  });
  const { id: second } = await put(pfs, 'b@master', { f: '1' });
  assert.deepEqual(await setOf(pfs, second), {
    b: [],
    x: ['a other', 'b set'],
    z: ['y other', 'x set'],
  });
  const order = (await orderedSet(pfs.context, second)).map(({ repo }) => repo.slice(8));
  assert.deepEqual(order, ['b', 'x', 'z']);
  // The set did not change these, but read them.
  assert.equal((await resolveCommit(pfs.context, 'default/a', second)).id, first);
  assert.equal((await resolveCommit(pfs.context, 'default/y', second)).id, first);
  await assert.rejects(resolveCommit(pfs.context, 'default/b', first), { code: 'not_found' });
  const ids: string[] = [];
  for await (const set of listSetIds(pfs.context)) {
    ids.push(set);
  }
  assert.deepEqual(ids, [second, first]);
});

it('makes one commit downstream of each of many puts at once', async (t) => {
  const pfs = await graph(t, { a: [], b: ['a'], c: ['a', 'b'] });
  const commits = await Promise.all(
    Array.from({ length: 12 }, (_, i) => put(pfs, 'a@master', { [`${i}`]: 'x' })),
  );
  for (const { id } of commits) {
    assert.deepEqual(await setOf(pfs, id), { a: [], b: ['a set'], c: ['a set', 'b set'] });
  }
  const depths = commits.map(
    async ({ id }) => (await resolveCommit(pfs.context, 'default/c', id)).depth,
  );
  assert.deepEqual(
    (await Promise.all(depths)).sort((x, y) => x - y),
    [...commits.keys()],
  );
});

it('does not hand on what a user is still writing', async (t) => {
  const pfs = await graph(t, { a: [], b: [], c: ['a', 'b'] });
  const { id: first } = await put(pfs, 'a@master', { f: '1' });
  const open = await startCommit(pfs.context, { ...ref('a'), description: '' }, ACTOR);
  assert.deepEqual(await setOf(pfs, open.id), { a: [] });
  const { id } = await put(pfs, 'b@master', { f: '1' });
  const made = await resolveCommit(pfs.context, 'default/c', id);
  assert.deepEqual(
    made.provenance.map(({ commit }) => commit),
    [first, id],
  );
  await finishCommit(pfs.context, { repo: 'default/a', ref: open.id }, ACTOR);
  assert.deepEqual(await setOf(pfs, open.id), { a: [], c: ['a set', 'b other'] });
});

it('waits for all that users write into one set, and goes on once', async (t) => {
  const pfs = await graph(t, { a: [], b: [], c: ['a', 'b'] });
  const open = await startCommit(pfs.context, { ...ref('a'), description: '' }, ACTOR);
  await pfs.context.journal.transact(
    () => ({
      operations: [
        {
          kind: 'branch.put' as const,
          branch: { repo: 'default/b', name: 'master', head: open.id, provenance: [], created: 0 },
        },
        { kind: 'commit.started' as const, commit: { ...open, repo: 'default/b' } },
      ],
      result: null,
    }),
    ACTOR,
  );
  await finishCommit(pfs.context, { repo: 'default/a', ref: open.id }, ACTOR);
  assert.deepEqual(await setOf(pfs, open.id), { a: [], b: [] });
  await finishCommit(pfs.context, { repo: 'default/b', ref: open.id }, ACTOR);
  assert.deepEqual(await setOf(pfs, open.id), { a: [], b: [], c: ['a set', 'b set'] });
});

it('hands on a moved head as it does a new commit', async (t) => {
  const pfs = await graph(t, { a: [], b: ['a'] });
  const { id: first } = await put(pfs, 'a@master', { f: '1' });
  await finishOutputs(pfs);
  const { id: second } = await put(pfs, 'a@master', { f: '2' });
  await finishOutputs(pfs);
  const headOf = async () => await resolveCommit(pfs.context, 'default/b', 'master');
  const before = await headOf();
  await putBranch(pfs.context, { ...ref('a'), head: first }, ACTOR);
  const after = await headOf();
  assert.notEqual(after.id, before.id);
  assert.deepEqual([after.parent, after.depth], [before.id, 2]);
  assert.deepEqual(after.provenance, [{ ...ref('a'), commit: first }]);
  assert.equal((await resolveCommit(pfs.context, 'default/a', after.id)).id, first);
  await putBranch(pfs.context, { ...ref('a'), head: first }, ACTOR);
  assert.equal((await headOf()).id, after.id, 'not moved');
  await putBranch(pfs.context, { ...ref('a'), head: second }, ACTOR);
  assert.deepEqual((await headOf()).provenance, [{ ...ref('a'), commit: second }]);
});
