import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { copyFile, deleteFiles } from '../../../engine/pfs/change-files.ts';
import { subscribeCommits, walkCommits } from '../../../engine/pfs/commit-list.ts';
import { findByRef, parseRef, resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { finishCommit, openTree, startCommit, waitCommit } from '../../../engine/pfs/commits.ts';
import {
  ACTOR,
  createRepos,
  openTestPfs,
  type Pfs,
  put,
  readAll,
  target,
} from '../../support/pfs.ts';
import { newSeed } from '../object/pack-rig.ts';

const repo = 'default/data';

async function newPfs(t: TestContext) {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  return pfs;
}

const start = (pfs: Pfs, options: { branch?: string; parent?: string } = {}) =>
  startCommit(pfs.context, { repo, branch: 'master', description: '', ...options }, ACTOR);
const finish = (pfs: Pfs, ref = 'master', description?: string) =>
  finishCommit(pfs.context, { repo, ref, ...(description ? { description } : {}) }, ACTOR);

it('shows in an open commit what was put into it so far', async (t) => {
  const pfs = await newPfs(t);
  await put(pfs, 'data@master', { old: 'old', gone: 'gone' });
  const { id } = await start(pfs);
  const expected: Record<string, string> = { old: 'old', gone: 'gone' };
  for (let i = 0; i < 60; i++) {
    await put(
      pfs,
      'data@master',
      { [`d/${i % 20}`]: `${i}`, log: `${i} ` },
      { append: i % 3 === 0 },
    );
    const path = `d/${i % 20}`;
    const append = i % 3 === 0;
    expected[path] = append ? `${expected[path] ?? ''}${i}` : `${i}`;
    expected.log = append ? `${expected.log ?? ''}${i} ` : `${i} `;
    if (i % 20 === 7) {
      assert.deepEqual(await readAll(pfs, `data@${id}`), expected);
    }
  }
  const change = { target: target('data@master'), request: ACTOR };
  await deleteFiles(pfs.context, pfs.queue, { ...change, paths: ['gone', 'd/3'] });
  delete expected.gone;
  delete expected['d/3'];
  assert.deepEqual(await readAll(pfs, 'data@master'), expected);
  assert.deepEqual(await readAll(pfs, 'data@master^'), { old: 'old', gone: 'gone' });
  const done = await finish(pfs, 'master', 'all of it');
  assert.deepEqual([done.id, done.description, done.edits.length], [id, 'all of it', 0]);
  assert.equal(done.files, Object.keys(expected).length);
  assert.deepEqual(await readAll(pfs, 'data@master'), expected);
  const text = await pfs.context.objects.readCommit(done.git ?? '');
  assert.deepEqual(
    [text.message, text.trailers],
    ['all of it', [{ key: 'Pfs-Commit', value: id }]],
  );
});

it('refuses what does not fit into an open commit when it is put, by whichever engine', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  const other = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  const { id } = await start(pfs);
  await other.context.journal.sync();
  const files: Record<string, string> = {};
  for (let i = 0; i < 6; i++) {
    const by = i % 3 === 2 ? other : pfs;
    const outcomes = await Promise.allSettled([
      put(by, 'data@master', { [`${i}`]: 'x' }),
      put(by, `data@${id}`, { [`${i}/below`]: 'does not fit' }),
      put(pfs, 'data@master', { 'd/below': `${i}` }, { append: i > 0 }),
      put(other, 'data@master', { d: 'does not fit either' }),
    ]);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    assert.ok(refused.length === 2, `${refused.length} refused`);
    for (const outcome of refused) {
      assert.match(
        `${(outcome as PromiseRejectedResult).reason}`,
        /a file and a directory at once/,
      );
    }
    files[`${i}`] = 'x';
  }
  await pfs.context.journal.sync();
  const found = await readAll(pfs, 'data@master');
  assert.equal(Object.keys(found).length, 7);
  const done = await finish(pfs);
  assert.deepEqual(await readAll(pfs, 'data@master'), found);
  assert.equal(done.files, 7);
});

it('takes many puts, appends, deletes and copies, of itself too, as plain maps do', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data', 'other');
  const chance = new SeededRandom(newSeed());
  const pick = <T>(from: readonly T[]) => from[Math.floor(chance.fraction() * from.length)] as T;
  await put(pfs, 'other@master', { 'in/x': 'of another repo', 'in/y': 'too' });
  await put(pfs, 'data@master', { a: 'before', big: 'b'.repeat(700_000) });
  let files: Record<string, string> = await readAll(pfs, 'data@master');
  const { id } = await start(pfs);
  const change = { target: target('data@master'), request: ACTOR };
  const copy = (from: string, path: string, to: string, append = false) => {
    const [name = '', ref = ''] = from.split('@');
    const source = { repo: `default/${name}`, ref, path };
    return copyFile(pfs.context, pfs.queue, { ...change, source, path: to, append });
  };
  const copyMap = (from: Record<string, string>, path: string, to: string) => {
    const rest = Object.entries(files).filter(([at]) => at !== to && !at.startsWith(`${to}/`));
    const below = Object.entries(from).filter(([at]) => at === path || at.startsWith(`${path}/`));
    const copied = below.map(([at, text]) => [to + at.slice(path.length), text] as const);
    files = Object.fromEntries([...rest, ...copied]);
  };
  for (let i = 0; i < 80; i++) {
    const path = pick(['a', 'big', 'd/x', 'd/y', 'e/x']);
    const step = pick(['put', 'append', 'delete', 'own', 'own', 'foreign', 'folder']);
    if (step === 'put' || step === 'append') {
      const text = `${i} `;
      await put(pfs, 'data@master', { [path]: text }, { append: step === 'append' });
      files[path] = step === 'append' ? `${files[path] ?? ''}${text}` : text;
    } else if (step === 'delete') {
      await deleteFiles(pfs.context, pfs.queue, { ...change, paths: [path] });
      delete files[path];
    } else if (step === 'foreign') {
      await copy('other@master', '/in', '/d');
      copyMap({ 'in/x': 'of another repo', 'in/y': 'too' }, 'in', 'd');
    } else if (step === 'folder' && Object.keys(files).some((at) => at.startsWith('d/'))) {
      // From the commit into itself: what was put so far.
      await copy(`data@${id}`, '/d', '/e');
      copyMap(files, 'd', 'e');
    } else if (step === 'own' && files[path] !== undefined) {
      await copy(pick([`data@${id}`, 'data@master']), path, '/d/y');
      copyMap(files, path, 'd/y');
    }
    if (i % 20 === 19) {
      assert.deepEqual(await readAll(pfs, `data@${id}`), files);
    }
  }
  await put(pfs, 'data@master', { big: 'c'.repeat(700_000) }, { append: true });
  files.big = `${files.big ?? ''}${'c'.repeat(700_000)}`;
  await copy(`data@${id}`, 'big', 'joined');
  files.joined = files.big;
  const done = await finish(pfs, id, 'all of it');
  assert.equal(done.files, Object.keys(files).length);
  const reopened = await openTestPfs({ t, store });
  assert.deepEqual(await readAll(reopened, 'data@master'), files);
});

it('lets children of a failed commit inherit what was there before it', async (t) => {
  const pfs = await newPfs(t);
  await put(pfs, 'data@master', { f1: '1' });
  const failed = await start(pfs);
  await put(pfs, 'data@master', { f2: '2' });
  const nothing = { tree: null, git: null, size: 0, files: 0 };
  const end = { repo, commit: failed.id, time: 1, ...nothing, error: 'out of luck' };
  await pfs.context.journal.transact(
    () => ({ operations: [{ kind: 'commit.finished' as const, ...end }], result: null }),
    ACTOR,
  );
  assert.deepEqual(await readAll(pfs, 'data@master'), {}, 'itself it has nothing');
  const third = await put(pfs, 'data@master', { f3: '3' });
  assert.deepEqual([third.parent, third.depth], [failed.id, 2]);
  assert.deepEqual(await readAll(pfs, 'data@master'), { f1: '1', f3: '3' });
  await start(pfs);
  await put(pfs, 'data@master', { f4: '4' });
  await finish(pfs);
  assert.deepEqual(await readAll(pfs, 'data@master'), { f1: '1', f3: '3', f4: '4' });
});

it('finishes a commit once', async (t) => {
  const pfs = await newPfs(t);
  await start(pfs);
  const done = await Promise.allSettled([finish(pfs), finish(pfs)]);
  assert.deepEqual(done.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await assert.rejects(finish(pfs), {
    code: 'failed_precondition',
    message: /^Cannot change commit .*: it has already finished; start another one$/,
  });
});

it('keeps what is put while the commit is being finished', async (t) => {
  const pfs = await newPfs(t);
  const { id } = await start(pfs);
  await Promise.all([
    ...Array.from({ length: 8 }, (_, i) => put(pfs, 'data@master', { [`${i}`]: `${i}` })),
    finish(pfs),
  ]);
  assert.equal(Object.keys(await readAll(pfs, 'data@master')).length, 8);
  assert.notEqual((await resolveCommit(pfs.context, repo, id)).finished, null);
});

it('does not start a commit where one is open, nor on an open one', async (t) => {
  const pfs = await newPfs(t);
  const { id } = await start(pfs);
  await assert.rejects(start(pfs), {
    code: 'failed_precondition',
    message: new RegExp(`^Cannot start a commit on branch "master": commit ${id} is open there`),
  });
  await assert.rejects(start(pfs, { branch: 'dev', parent: 'master' }), {
    message: /parent commit .* has not finished/,
  });
  await assert.rejects(start(pfs, { branch: 'b'.repeat(32) }), { code: 'invalid' });
  await finish(pfs);
  const dev = await start(pfs, { branch: 'dev', parent: 'master' });
  assert.deepEqual([dev.parent, dev.depth], [id, 1]);
});

it('finds commits by every form of ref', async (t) => {
  const pfs = await newPfs(t);
  const ids: string[] = [];
  for (const file of ['0', '1', '2', '3', '4']) {
    ids.push((await put(pfs, 'data@master', { [file]: file })).id);
  }
  const forms: [string, number][] = [
    ['master', 4],
    ['master^', 3],
    ['master^^', 2],
    ['master^2', 2],
    ['master^0', 4],
    ['master^3^', 0],
    ['master~2', 2],
    ['master.1', 0],
    ['master.3', 2],
    ['master.5', 4],
    [ids[3] ?? '', 3],
    [`${ids[3]}^2`, 1],
    [`${ids[3]}.1`, 0],
  ];
  for (const [ref, at] of forms) {
    assert.equal((await resolveCommit(pfs.context, repo, ref)).id, ids[at], ref);
  }
  for (const ref of ['none', 'master^5', 'master.6', 'f'.repeat(32), `${ids[0]}^`]) {
    await assert.rejects(resolveCommit(pfs.context, repo, ref), { code: 'not_found' }, ref);
  }
  for (const ref of ['', 'master.0', 'master^x', 'a b', 'master^.2', 'master@x']) {
    assert.throws(() => parseRef(ref), { code: 'invalid' }, ref);
  }
  await putBranch(pfs.context, { repo, branch: 'empty' }, ACTOR);
  assert.equal(await findByRef(pfs.context, repo, 'empty'), undefined);
  await assert.rejects(resolveCommit(pfs.context, repo, 'empty'), /it has no commits yet/);
  await assert.rejects(
    resolveCommit(pfs.context, 'default/none', 'master'),
    /Cannot find repo "none"/,
  );
});

it('waits for a commit to finish', async (t) => {
  const pfs = await newPfs(t);
  const { id } = await start(pfs);
  const waiting = waitCommit(pfs.context, repo, { ref: 'master' });
  await finish(pfs);
  assert.equal((await waiting).id, id);
  assert.notEqual((await waitCommit(pfs.context, repo, { ref: id })).finished, null);
  await start(pfs);
  const signal = AbortSignal.abort();
  await assert.rejects(waitCommit(pfs.context, repo, { ref: 'master', signal }), {
    code: 'cancelled',
  });
});

it('yields each finished commit of a branch once, also when the branch is moved', async (t) => {
  const pfs = await newPfs(t);
  const first = await put(pfs, 'data@master', { a: '1' });
  const stop = new AbortController();
  const stream = subscribeCommits(pfs.context, { repo, branch: 'master' }, { signal: stop.signal });
  const next = async () => (await stream.next()).value?.id;
  assert.equal(await next(), first.id);
  const second = await put(pfs, 'data@master', { a: '2' });
  assert.equal(await next(), second.id);
  await putBranch(pfs.context, { repo, branch: 'master', head: first.id }, ACTOR);
  const third = await put(pfs, 'data@master', { a: '3' });
  assert.equal(await next(), third.id);
  await start(pfs);
  const late = next();
  const fourth = await finish(pfs);
  assert.equal(await late, fourth.id);
  const from = subscribeCommits(
    pfs.context,
    { repo, branch: 'master' },
    { signal: stop.signal, from: first.id },
  );
  assert.deepEqual(
    [(await from.next()).value?.id, (await from.next()).value?.id],
    [third.id, fourth.id],
  );
  stop.abort();
  assert.equal((await stream.next()).done, true);
});

it('lets go of what it needed to show an open commit', async (t) => {
  const pfs = await openTestPfs({ t, budgetBytes: 2 ** 21 });
  await createRepos(pfs, 'data');
  await start(pfs);
  for (let i = 0; i < 5; i++) {
    await put(pfs, 'data@master', { [`${i}`]: 'x' });
    (await openTree(pfs.context, repo, 'master')).close();
  }
  await finish(pfs);
  (await pfs.budget.acquire(2 ** 21))();
});

it('walks a line of commits from its end', async (t) => {
  const pfs = await newPfs(t);
  await put(pfs, 'data@master', { a: '1' });
  await put(pfs, 'data@master', { a: '2' });
  const depths: number[] = [];
  for await (const { depth } of walkCommits(pfs.context, repo, 'master')) {
    depths.push(depth);
  }
  assert.deepEqual(depths, [1, 0]);
});
