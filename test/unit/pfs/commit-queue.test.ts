import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { deleteFiles } from '../../../engine/pfs/change-files.ts';
import { listCommits, walkCommits } from '../../../engine/pfs/commit-list.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { answerOnce } from '../../../engine/pfs/context.ts';
import {
  ACTOR,
  createRepos,
  openTestPfs,
  type Pfs,
  put,
  readAll,
  target,
} from '../../support/pfs.ts';

const REPO = 'default/data';

async function idsOf(pfs: Pfs): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of walkCommits(pfs.context, REPO, 'master')) {
    ids.push(id);
  }
  return ids;
}

/** Counts the puts to a store from here on. */
function countPuts(store: MemoryObjectStore): { readonly keys: string[] } {
  const keys: string[] = [];
  const real = store.put.bind(store);
  store.put = (key, ...rest) => {
    keys.push(key);
    return real(key, ...rest);
  };
  return { keys };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

it('makes a commit of each of 25 puts at once, with few puts to the store', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  const puts = countPuts(store);
  const commits = await Promise.all(
    numbers(25).map((i) => put(pfs, 'data@master', { [`dir/${i}`]: `${i}` })),
  );
  assert.ok(puts.keys.length <= 8, `${puts.keys.length} puts`);
  assert.equal(new Set(commits.map(({ id }) => id)).size, 25);
  assert.deepEqual((await idsOf(pfs)).sort(), commits.map(({ id }) => id).sort());
  assert.deepEqual(
    await readAll(pfs, 'data@master'),
    Object.fromEntries(numbers(25).map((i) => [`dir/${i}`, `${i}`])),
  );
  const [last] = commits.sort((a, b) => b.depth - a.depth);
  assert.deepEqual([last?.depth, last?.files, last?.size], [24, 25, 40]);
  assert.equal(Object.keys(await readAll(pfs, 'data@master^10')).length, 15);
});

it('fails the one bad write of many, and no other', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { file: 'x' });
  const outcomes = await Promise.allSettled(
    numbers(9).map((i) => put(pfs, 'data@master', { [i === 4 ? 'file/below' : `${i}`]: 'y' })),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status === 'rejected'),
    numbers(9).map((i) => i === 4),
  );
  assert.equal(Object.keys(await readAll(pfs, 'data@master')).length, 9);
  assert.equal((await idsOf(pfs)).length, 9);
});

it('gives the memory of all writes back, of the refused ones too', async (t) => {
  const pfs = await openTestPfs({ t, budgetBytes: 2 ** 22 });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { file: 'x' });
  for (let round = 0; round < 5; round++) {
    await Promise.allSettled(
      numbers(8).map((i) =>
        put(pfs, 'data@master', {
          'file/below': 'y',
          large: Buffer.alloc(2 ** 20, `${round}${i}`),
        }),
      ),
    );
    await assert.rejects(put(pfs, 'none@master', { a: 'a' }), { code: 'not_found' });
    await assert.rejects(put(pfs, 'data@bad name', { a: 'a' }), { code: 'invalid' });
  }
  const release = await pfs.budget.acquire(2 ** 22);
  release();
});

it('loses nothing when two engines commit to one branch at once', async (t) => {
  const store = new MemoryObjectStore();
  const one = await openTestPfs({ t, store });
  const two = await openTestPfs({ t, store });
  await createRepos(one, 'data');
  await two.context.journal.sync();
  const commits = await Promise.all(
    numbers(40).map((i) => put(i % 2 ? one : two, 'data@master', { [`${i}`]: `${i}` })),
  );
  await Promise.all([one.context.journal.sync(), two.context.journal.sync()]);
  for (const pfs of [one, two]) {
    assert.deepEqual((await idsOf(pfs)).sort(), commits.map(({ id }) => id).sort());
    assert.equal(Object.keys(await readAll(pfs, 'data@master')).length, 40);
  }
});

it('gives a retry the first answer and makes no second commit', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  const id = 'a'.repeat(32);
  const [first, twin] = await Promise.all([
    put(pfs, 'data@master', { a: '1' }, { id }),
    put(pfs, 'data@master', { a: '1' }, { id }),
    put(pfs, 'data@master', { b: '2' }),
  ]);
  assert.deepEqual(twin, first);
  await put(pfs, 'data@master', { a: '3' });
  assert.deepEqual(await put(pfs, 'data@master', { a: '1' }, { id }), first);
  assert.equal((await idsOf(pfs)).length, 3);
  const reopened = await openTestPfs({ t, store });
  assert.deepEqual(await put(reopened, 'data@master', { a: '1' }, { id }), first);
  assert.equal((await idsOf(reopened)).length, 3);
  assert.deepEqual(await readAll(reopened, 'data@master'), { a: '3', b: '2' });
});

it('answers a retry that the first try stands in the way of', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const request = { ...ACTOR, id: 'b'.repeat(32) };
  const start = () =>
    answerOnce(pfs.context, request, () =>
      startCommit(pfs.context, { repo: REPO, branch: 'master', description: '' }, request),
    );
  const [first, twin] = await Promise.all([start(), start()]);
  assert.deepEqual(twin, first);
  assert.deepEqual(await start(), first);
});

it('puts into the commit that is open on the branch, but not a commit of its own', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const open = await startCommit(
    pfs.context,
    { repo: REPO, branch: 'master', description: '' },
    ACTOR,
  );
  const commits = await Promise.all(
    numbers(10).map((i) => put(pfs, 'data@master', { [`${i}`]: `${i}` })),
  );
  assert.deepEqual(new Set(commits.map(({ id }) => id)), new Set([open.id]));
  assert.equal(Object.keys(await readAll(pfs, 'data@master')).length, 10);
  await assert.rejects(put(pfs, 'data@master', { a: 'a' }, { own: true }), {
    code: 'failed_precondition',
    message: new RegExp(`commit ${open.id} is open there; leave out -c`),
  });
});

it('puts land whether a commit is started or finished meanwhile', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  const other = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  await other.context.journal.sync();
  const puts = numbers(20).map((i) => put(pfs, 'data@master', { [`${i}`]: `${i}` }));
  const started = startCommit(
    other.context,
    { repo: REPO, branch: 'master', description: '' },
    ACTOR,
  );
  await Promise.all([...puts, started]);
  await Promise.all([pfs.context.journal.sync(), other.context.journal.sync()]);
  await Promise.all(numbers(5).map((i) => put(pfs, 'data@master', { [`late ${i}`]: 'x' })));
  assert.equal(Object.keys(await readAll(pfs, 'data@master')).length, 25);
});

it('deletes files, and commits even what changes nothing', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { 'a/b': '1', 'a/c': '2', d: '3' });
  const change = { target: target('data@master'), request: ACTOR };
  await deleteFiles(pfs.context, pfs.queue, { ...change, paths: ['/a/', 'none'] });
  assert.deepEqual(await readAll(pfs, 'data@master'), { d: '3' });
  await deleteFiles(pfs.context, pfs.queue, { ...change, paths: ['/'] });
  assert.deepEqual(await readAll(pfs, 'data@master'), {});
  const all: number[] = [];
  for await (const { files } of listCommits(pfs.context, REPO)) {
    all.push(files);
  }
  assert.deepEqual(all, [0, 1, 3]);
});

it('names the branch of a pipeline as one not to be written', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data', 'out');
  await pfs.context.journal.transact(
    () => ({
      operations: [
        {
          kind: 'branch.put' as const,
          branch: {
            repo: 'default/out',
            name: 'master',
            head: null,
            provenance: [{ repo: REPO, branch: 'master' }],
            created: 0,
          },
        },
      ],
      result: null,
    }),
    ACTOR,
  );
  await assert.rejects(put(pfs, 'out@master', { a: 'a' }), {
    code: 'failed_precondition',
    message:
      /^Cannot commit to branch "master" of repo "out": pipeline "out" writes it; use another/,
  });
});
