import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { encodeAttributes } from '../../../engine/pfs/attributes.ts';
import { copyFile } from '../../../engine/pfs/change-files.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { type FilePart, putFiles } from '../../../engine/pfs/upload.ts';
import {
  ACTOR,
  createRepos,
  openTestPfs,
  type Pfs,
  put,
  readAll,
  readBytes,
  target,
} from '../../support/pfs.ts';
import { newSeed } from '../object/pack-rig.ts';

const MiB = 2 ** 20;

/** Puts parts as they are given. */
function putParts(pfs: Pfs, parts: readonly Partial<FilePart>[], append = false) {
  async function* stream() {
    for (const part of parts) {
      yield [
        { path: 'f', executable: false, data: Buffer.from('x'), first: true, last: true, ...part },
      ];
    }
  }
  return putFiles(pfs.context, pfs.queue, {
    target: target('data@master'),
    append,
    parts: stream(),
    request: ACTOR,
  });
}

it('overwrites what stands at a path, and leaves the rest', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { '/a/b': 'one', '//c/': 'two' }, { executable: ['/a/b'] });
  const commit = await put(pfs, 'data@master', { c: 'three', 'a/d': '' });
  assert.deepEqual(await readAll(pfs, 'data@master'), { 'a/b': 'one', 'a/d': '', c: 'three' });
  assert.equal((await readBytes(pfs, 'data@master')).get('a/b')?.mode, '100755');
  assert.deepEqual([commit.size, commit.files, commit.depth], [8, 3, 1]);
  await put(pfs, 'data@master', { 'a/b': 'one' });
  assert.equal((await readBytes(pfs, 'data@master')).get('a/b')?.mode, '100644');
});

it('appends to files, and makes those that are not there', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { a: '1\n' }, { executable: ['a'] });
  await put(pfs, 'data@master', { a: '2\n', 'b/c': 'x' }, { append: true });
  await putParts(
    pfs,
    [
      { path: 'a', data: Buffer.from('3\n') },
      { path: 'a', data: Buffer.from('4\n') },
    ],
    true,
  );
  assert.deepEqual(await readAll(pfs, 'data@master'), { a: '1\n2\n3\n4\n', 'b/c': 'x' });
  assert.equal((await readBytes(pfs, 'data@master')).get('a')?.mode, '100755');
  await assert.rejects(put(pfs, 'data@master', { b: 'x' }, { append: true }), { code: 'invalid' });
  const large = randomBytes(MiB);
  await put(pfs, 'data@master', { a: large }, { append: true });
  await put(pfs, 'data@master', { a: 'end' }, { append: true });
  const { bytes } = (await readBytes(pfs, 'data@master')).get('a') ?? {};
  assert.deepEqual(bytes, Buffer.concat([Buffer.from('1\n2\n3\n4\n'), large, Buffer.from('end')]));
});

it('takes files in pieces, of any size', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const large = randomBytes(3 * MiB);
  await putParts(pfs, [
    { path: 'small', data: Buffer.from('a'), last: false },
    { path: 'small', data: Buffer.from('b'), first: false, last: false },
    { path: 'small', data: Buffer.alloc(0), first: false },
    { path: 'large', data: large.subarray(0, MiB), last: false },
    { path: 'large', data: large.subarray(MiB), first: false },
    { path: 'whole', data: large },
    { path: 'none', data: Buffer.alloc(0) },
  ]);
  const files = await readBytes(pfs, 'data@master');
  assert.deepEqual(
    [...files].map(([path, { bytes }]) => [path, bytes.equals(large) ? 'large' : `${bytes}`]),
    [
      ['large', 'large'],
      ['none', ''],
      ['small', 'ab'],
      ['whole', 'large'],
    ],
  );
});

it('leaves no trace of an upload that was cut, and frees its memory', async (t) => {
  const pfs = await openTestPfs({ t, budgetBytes: 4 * MiB });
  await createRepos(pfs, 'data');
  const seq = pfs.context.journal.seq;
  const cuts: (readonly Partial<FilePart>[])[] = [
    [{ last: false }],
    [{ last: false }, { path: 'other' }],
    [{ first: false }],
    [{ last: false }, { first: true }],
  ];
  for (const parts of cuts) {
    await assert.rejects(putParts(pfs, parts), {
      code: 'invalid',
      message: /not all of it arrived/,
    });
  }
  async function* broken(): AsyncGenerator<readonly FilePart[]> {
    for (let i = 0; i < 12; i++) {
      yield [{ path: `${i}`, executable: false, data: randomBytes(MiB), first: true, last: true }];
    }
    throw new Error('the client went away');
  }
  await assert.rejects(
    putFiles(pfs.context, pfs.queue, {
      target: target('data@master'),
      append: false,
      parts: broken(),
      request: ACTOR,
    }),
    /client went away/,
  );
  assert.equal(pfs.context.journal.seq, seq);
  assert.equal(pfs.context.journal.state.branches.size, 0);
  (await pfs.budget.acquire(4 * MiB))();
});

it('refuses names and places that can not be stored', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { 'a/b': 'x' });
  for (const path of ['', '/', 'a/../b', '.git/config', 'x/.GIT', 'a\nb', 'x'.repeat(256), './a']) {
    await assert.rejects(put(pfs, 'data@master', { [path]: 'x' }), { code: 'invalid' }, path);
  }
  for (const files of [
    { a: 'x' },
    { 'a/b/c': 'x' },
    { n: 'x', 'n/m': 'x' },
    { 'n/m': 'x', n: 'x' },
  ]) {
    await assert.rejects(put(pfs, 'data@master', files), { code: 'invalid', message: /at once/ });
  }
  await assert.rejects(put(pfs, 'data@master', { 'd/.gitmodules': '[core]\n\tpager = evil\n' }), {
    code: 'invalid',
    message: /^Cannot store "\.gitmodules"/,
  });
  assert.deepEqual(await readAll(pfs, 'data@master'), { 'a/b': 'x' });
});

it('keeps attributes of users, and leaves out ours that a clone brings back', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const ours = encodeAttributes(['gone'], { isRoot: true }) ?? '';
  await put(pfs, 'data@master', {
    '.gitattributes': ours,
    a: 'x',
    'd/.gitattributes': '*.c text\n',
  });
  assert.deepEqual(Object.keys(await readAll(pfs, 'data@master')), ['a', 'd/.gitattributes']);
  await put(pfs, 'data@master', { 'd/large': randomBytes(MiB + 1) });
  await put(pfs, 'data@master', { '.gitattributes': `${ours}*.txt text\n` });
  assert.deepEqual(Object.keys(await readAll(pfs, 'data@master')), [
    '.gitattributes',
    'a',
    'd/.gitattributes',
    'd/large',
  ]);
});

it('puts into an open commit by its id', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const repo = 'default/data';
  const { id } = await startCommit(pfs.context, { repo, branch: 'master', description: '' }, ACTOR);
  await put(pfs, `data@${id}`, { a: '1' });
  assert.deepEqual(await readAll(pfs, `data@${id}`), { a: '1' });
  await assert.rejects(put(pfs, `data@${id}`, { a: '2' }, { own: true }), {
    message: /can't hold a commit of its own; leave out -c/,
  });
  await finishCommit(pfs.context, { repo, ref: id }, ACTOR);
  await assert.rejects(put(pfs, `data@${id}`, { a: '2' }), {
    code: 'failed_precondition',
    message: /^Cannot put into commit ".*": it has already finished; put into its branch "master"/,
  });
  await assert.rejects(put(pfs, 'data@master^', { a: '2' }), { code: 'not_found' });
});

it('copies files and directories, of other repos too, without their bytes', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data', 'other');
  const large = randomBytes(2 * MiB);
  await put(pfs, 'other@master', { 'd/small': 's', 'd/e/large': large, top: 'top' });
  const copy = (path: string, to: string, append = false) =>
    copyFile(pfs.context, pfs.queue, {
      target: target('data@master'),
      source: { repo: 'default/other', ref: 'master', path },
      path: to,
      append,
      request: ACTOR,
    });
  const before = [...pfs.context.journal.state.packs.values()];
  await copy('/d', '/x/y');
  await copy('/d/e/large', 'large');
  await copy('/', 'all');
  await copy('/top', 'x/y/small', true);
  const files = await readBytes(pfs, 'data@master');
  assert.deepEqual(
    [...files].map(([path, { bytes }]) => [path, bytes.equals(large) ? 'large' : `${bytes}`]),
    [
      ['all/d/e/large', 'large'],
      ['all/d/small', 's'],
      ['all/top', 'top'],
      ['large', 'large'],
      ['x/y/e/large', 'large'],
      ['x/y/small', 'stop'],
    ],
  );
  const repo = pfs.context.journal.state.repos.get('default/data')?.id ?? '';
  await deleteRepo(pfs.context, { key: 'default/other', force: false }, ACTOR);
  for (const { id, kind } of before) {
    const repos = pfs.context.journal.state.packs.get(id)?.repos;
    assert.ok(repos?.includes(repo), `a ${kind} pack that the copy needs`);
  }
  await assert.rejects(copy('/d', 'z'), { code: 'not_found' });
});

it('of files at one path the last stays, and the rest keep theirs, however each is stored', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const pointerLike = Buffer.from('version https://git-lfs.github.com/spec/v1 of sorts');
  const large = randomBytes(3 * MiB);
  const kinds = [Buffer.from('small'), large, pointerLike, randomBytes(1000)];
  for (const last of kinds) {
    const filler = Array.from({ length: 300 }, (_, i) => ({
      path: `many/${i}`,
      data: Buffer.alloc(5000, i),
    }));
    const others = kinds.filter((kind) => kind !== last).map((data) => ({ path: 'f', data }));
    await putParts(pfs, [...others, ...filler, ...others, { path: 'f', data: last }]);
    const files = await readBytes(pfs, 'data@master');
    assert.ok(files.get('f')?.bytes.equals(last), `${last.length} bytes`);
    assert.deepEqual(files.get('many/299')?.bytes, Buffer.alloc(5000, 299));
  }
});

it('files come in any order, in turns between directories and twice, and the tree is the same', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data', 'sorted');
  const random = new SeededRandom(newSeed());
  const paths: string[] = [];
  for (const folder of ['a', 'a/b', 'c']) {
    // So many that a directory is packed when it is left.
    for (let i = 0; i < 100; i++) {
      paths.push(`${folder}/f${i}`);
    }
  }
  const newest = new Map<string, string>();
  const parts = Array.from({ length: 2000 }, (_, i) => {
    const path = paths[Math.floor(random.fraction() * paths.length)] ?? '';
    newest.set(path, `${i}`);
    return { path, executable: i % 3 === 0, data: Buffer.from(`${i}`) };
  });
  const last = new Map(parts.map((part) => [part.path, part]));
  await putParts(pfs, parts);
  await putFiles(pfs.context, pfs.queue, {
    target: target('sorted@master'),
    append: false,
    parts: (async function* () {
      for (const part of [...last.values()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
        yield [{ ...part, first: true, last: true }];
      }
    })(),
    request: ACTOR,
  });
  assert.deepEqual(await readAll(pfs, 'data@master'), Object.fromEntries(newest));
  const tree = async (repo: string) =>
    (await resolveCommit(pfs.context, `default/${repo}`, 'master')).tree;
  assert.equal(await tree('data'), await tree('sorted'));
  await assert.rejects(putParts(pfs, [...parts, { path: 'a' }]), { code: 'invalid' });
  await assert.rejects(putParts(pfs, [...parts, { path: 'c/f1/x' }]), { code: 'invalid' });
});
