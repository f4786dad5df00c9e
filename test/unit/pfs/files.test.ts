import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { openTree, startCommit } from '../../../engine/pfs/commits.ts';
import { diffTrees } from '../../../engine/pfs/diff.ts';
import {
  type Beginning,
  type FileEntry,
  findFile,
  globFiles,
  listPart,
  resolveFile,
  shownPath,
  walkFiles,
  withStat,
} from '../../../engine/pfs/files.ts';
import { compileGlob } from '../../../engine/pfs/glob.ts';
import { readFiles } from '../../../engine/pfs/read-files.ts';
import { ACTOR, type Contents, createRepos, gather, openTestPfs, put } from '../../support/pfs.ts';
import { newSeed } from '../object/pack-rig.ts';

const FILES: Contents = {
  a: '1',
  'a.b': '22',
  'd/x': '333',
  'd/y/z': '4444',
  'd/y/large': Buffer.alloc(2 ** 20 + 1),
  'd-e': '',
  'ü/é': 'x',
};

async function paths(entries: AsyncIterable<FileEntry>): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of entries) {
    found.push(shownPath(entry));
  }
  return found;
}

it('lists, walks, finds and matches files, and shows nothing of ours', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', FILES);
  const { objects, tree, where } = await openTree(pfs.context, 'default/data', 'master');
  const root = await resolveFile(objects, tree, { path: '', where });
  const listed = await listPart(objects, root, { begin: { offset: 0 }, limit: 10 });
  assert.deepEqual(listed.entries.map(shownPath), ['/a', '/a.b', '/d-e', '/d/', '/ü/']);
  assert.deepEqual(await paths(walkFiles(objects, root)), [
    '/a',
    '/a.b',
    '/d-e',
    '/d/x',
    '/d/y/large',
    '/d/y/z',
    '/ü/é',
  ]);
  const directory = await resolveFile(objects, tree, { path: 'd', where });
  const { size, files } = await withStat(objects, directory);
  assert.deepEqual([size, files], [3 + 4 + 2 ** 20 + 1, 3]);
  assert.equal((await withStat(objects, root)).files, 7);
  for (const path of ['.gitattributes', 'd/y/.gitattributes', 'none', 'a/b', 'd/y/z/q']) {
    assert.equal(await findFile(objects, tree, path), undefined, path);
  }
  await assert.rejects(resolveFile(objects, tree, { path: 'none', where }), {
    code: 'not_found',
    message: 'Cannot find file "/none" in data@master',
  });
  const globbed = globFiles(objects, tree, { glob: compileGlob('/d/**') });
  assert.deepEqual(await paths(globbed), ['/d/x', '/d/y/', '/d/y/large', '/d/y/z']);
  assert.deepEqual(await paths(globFiles(objects, tree, { glob: compileGlob('/*') })), [
    '/a',
    '/a.b',
    '/d-e',
    '/d/',
    '/ü/',
  ]);
  assert.deepEqual(await paths(globFiles(objects, null, { glob: compileGlob('/') })), []);
});

it('reads many files at once, from finished and from open commits', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const all = { ...FILES, copy: '1' };
  await put(pfs, 'data@master', FILES);
  await startCommit(
    pfs.context,
    { repo: 'default/data', branch: 'master', description: '' },
    ACTOR,
  );
  await put(pfs, 'data@master', { copy: '1' });
  for (const [ref, files] of [
    ['master^', FILES],
    ['master', all],
  ] as const) {
    const tree = await openTree(pfs.context, 'default/data', ref);
    const root = { path: '', mode: '40000' as const, id: tree.tree ?? '' };
    const found: Record<string, number> = {};
    for await (const { file, size, data } of readFiles(
      pfs.context,
      tree,
      walkFiles(tree.objects, root),
    )) {
      const bytes = Buffer.isBuffer(data) ? data : await gather(data);
      assert.equal(bytes.length, size);
      assert.deepEqual(bytes, Buffer.from(files[file.path as keyof typeof files] ?? 'absent'));
      found[file.path] = size;
    }
    assert.deepEqual(Object.keys(found).sort(), Object.keys(files).sort());
    tree.close();
  }
});

it('reads ranges of files, small and large', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const large = new SeededRandom(1).bytes(2 ** 21);
  await put(pfs, 'data@master', { small: '0123456789', large });
  const { objects, tree, readFile } = await openTree(pfs.context, 'default/data', 'master');
  for (const [path, whole] of [
    ['small', Buffer.from('0123456789')],
    ['large', large],
  ] as const) {
    const { id } = (await findFile(objects, tree, path)) ?? { id: '' };
    for (const [start, end] of [
      [0, 4],
      [3, 3],
      [2, 1000],
      [9, 10],
      [10, 20],
      [50, 2 ** 22],
      [0, whole.length],
    ]) {
      const range = { start: start ?? 0, end: end ?? 0 };
      assert.deepEqual(await gather(readFile(id, range)), whole.subarray(range.start, range.end));
    }
  }
});

it('tells what differs between trees as between maps', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const random = new SeededRandom(newSeed());
  const names = ['a', 'a.b', 'a-b', 'a0', 'b', 'ü'];
  const pick = <T>(from: readonly T[]) => from[Math.floor(random.fraction() * from.length)] as T;
  const randomFiles = (branch: string) => {
    const files: Record<string, string> = { [`of ${branch}`]: 'x' };
    for (let i = 0; i < 6; i++) {
      const path = Array.from({ length: 1 + Math.floor(random.fraction() * 3) }, () =>
        pick(names),
      ).join('/');
      const clashes = Object.keys(files).some(
        (at) => at.startsWith(`${path}/`) || path.startsWith(`${at}/`),
      );
      if (!clashes) {
        files[path] = pick(['1', '2']);
      }
    }
    return files;
  };
  for (let round = 0; round < 60; round++) {
    const [old, now] = [randomFiles('x'), randomFiles('x')];
    await put(pfs, `data@old${round}`, old);
    await put(pfs, `data@new${round}`, now);
    const from = await openTree(pfs.context, 'default/data', `old${round}`);
    const to = await openTree(pfs.context, 'default/data', `new${round}`);
    const found: string[] = [];
    for await (const { path, old: a, new: b } of diffTrees(to.objects, {
      old: from.tree,
      new: to.tree,
    })) {
      found.push(`${path} ${a ? 'old' : ''} ${b ? 'new' : ''}`);
    }
    const expected = [...new Set([...Object.keys(old), ...Object.keys(now)])]
      .filter((path) => old[path] !== now[path])
      .map((path) => `${path} ${path in old ? 'old' : ''} ${path in now ? 'new' : ''}`);
    assert.deepEqual(found.sort(), expected.sort());
  }
});

it('a diff reads the directories in which something differs, and no others', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const files = Array.from({ length: 300 }, (_, i) => [`d${i % 100}/e/f${i}`, `${i}`] as const);
  await put(pfs, 'data@master', Object.fromEntries(files));
  await put(pfs, 'data@master', { 'd7/e/f7': 'changed', 'd8/new/f': 'new' });
  const from = await openTree(pfs.context, 'default/data', 'master^');
  const to = await openTree(pfs.context, 'default/data', 'master');
  let reads = 0;
  const { objects } = to;
  const counting: typeof objects = {
    readBlob: (id) => objects.readBlob(id),
    readCommit: (id) => objects.readCommit(id),
    stat: (id) => objects.stat(id),
    readTree(id) {
      reads += 1;
      return objects.readTree(id);
    },
  };
  const found: string[] = [];
  for await (const { path } of diffTrees(counting, { old: from.tree, new: to.tree })) {
    found.push(path);
  }
  assert.deepEqual(found.sort(), ['d7/e/f7', 'd8/new/f']);
  // Both roots, both sides of d7, d7/e and d8, and the one side that d8/new has.
  assert.equal(reads, 2 + 2 + 2 + 2 + 1);
});

it('lists any part of a directory, large or small, and finds the files in it', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const many = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, i) => [`n${String(i).padStart(5, '0')}`, String(i % 7)]),
  );
  await put(pfs, 'data@master', { ...many, '.a': '', 'n00100.d/x': '1', 'n00100-': '' });
  await put(pfs, 'data@small', { b: '1', 'c/d': '2', e: '3' });
  const expected = ['.a', ...Object.keys(many), 'n00100-', 'n00100.d/'].sort();
  const look = async (branch: string, begin: Beginning, limit = 3) => {
    const { objects, tree, where } = await openTree(pfs.context, 'default/data', branch);
    const root = await resolveFile(objects, tree, { path: '', where });
    const { entries, offset, total } = await listPart(objects, root, { begin, limit });
    return { names: entries.map((entry) => shownPath(entry).slice(1)), offset, total };
  };
  const total = expected.length;
  for (const offset of [0, 1, 2, 99, 103, 255, 256, 40_000, total - 2, total, total + 9]) {
    assert.deepEqual(await look('master', { offset }), {
      names: expected.slice(offset, offset + 3),
      offset: Math.min(offset, total),
      total,
    });
  }
  const all = await look('master', { offset: 0 }, total + 5);
  assert.deepEqual(all.names, expected);
  for (const after of ['/n00100', '/n00100.d/', '/.a']) {
    const place = expected.indexOf(after.slice(1)) + 1;
    assert.equal((await look('master', { after })).offset, place, after);
  }
  assert.equal((await look('master', { from: 'n0' })).offset, 1);
  assert.deepEqual((await look('small', { from: 'c' })).names, ['c/', 'e']);
  assert.deepEqual((await look('small', { after: '/c/' })).names, ['e']);
  const { objects, tree } = await openTree(pfs.context, 'default/data', 'master');
  for (const path of ['n00000', 'n49999', 'n00100.d', 'n00100.d/x', '.a']) {
    assert.equal((await findFile(objects, tree, path))?.path, path);
  }
  for (const path of ['n5', 'n00100/x', '.gitattributes', '']) {
    assert.equal((await findFile(objects, tree, path))?.path, path === '' ? '' : undefined);
  }
});
