import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { openTree } from '../../../engine/pfs/commits.ts';
import { diffEntries, keyOfDifference } from '../../../engine/pfs/diff.ts';
import { findFile, globFiles, shownPath, walkFiles } from '../../../engine/pfs/files.ts';
import { compileGlob } from '../../../engine/pfs/glob.ts';
import { createRepos, openTestPfs, put } from '../../support/pfs.ts';
import { newSeed } from '../object/pack-rig.ts';

const NAMES = ['a', 'a-b', 'a.b', 'a0', 'd', 'ü'];

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) {
    found.push(one);
  }
  return found;
}

/** Makes paths of which some are files in one tree and directories in another. */
function randomContents(random: SeededRandom): Record<string, string> {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random.fraction() * list.length)] as T;
  const files: Record<string, string> = {};
  for (let i = 0; i < 25; i++) {
    const path = Array.from({ length: 1 + Math.floor(random.fraction() * 3) }, () => pick(NAMES));
    const all = path.map((_, depth) => path.slice(0, depth + 1).join('/'));
    const own = all.at(-1) as string;
    const isTaken = Object.keys(files).some((one) => one.startsWith(`${own}/`));
    if (!isTaken && !all.slice(0, -1).some((one) => one in files)) {
      files[own] = pick(['1', '2']);
    }
  }
  return files;
}

it('a list that goes on after any of its entries has the rest of them', async (t) => {
  const seed = newSeed();
  const random = new SeededRandom(seed);
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'old', 'new');
  await put(pfs, 'old@master', randomContents(random));
  await put(pfs, 'new@master', randomContents(random));
  const older = await openTree(pfs.context, 'default/old', 'master');
  const { objects, tree } = await openTree(pfs.context, 'default/new', 'master');
  const sides = {
    old: await findFile(objects, older.tree, ''),
    new: await findFile(objects, tree, ''),
  };
  const root = sides.new;
  assert.ok(root);
  const lists: Record<string, (after?: string) => Promise<string[]>> = {
    walk: async (after) => (await all(walkFiles(objects, root, after))).map(shownPath),
    diff: async (after) => (await all(diffEntries(objects, sides, { after }))).map(keyOfDifference),
    shallow: async (after) =>
      (await all(diffEntries(objects, sides, { after, shallow: true }))).map(keyOfDifference),
  };
  for (const pattern of ['/**', '/*', '/a*/**', '/*/a', '/']) {
    const glob = compileGlob(pattern);
    lists[pattern] = async (after) =>
      (await all(globFiles(objects, tree, { glob, after }))).map(shownPath);
  }
  for (const [name, list] of Object.entries(lists)) {
    const whole = await list();
    for (const [i, after] of whole.entries()) {
      assert.deepEqual(await list(after), whole.slice(i + 1), `${name} after ${after}`);
    }
    if (name !== '/') {
      await assert.rejects(list('/no/such'), { code: 'conflict' }, name);
    }
  }
});

it('what differs between directories at two places goes on after any difference', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { 'x/a': '1', 'x/x/a': '2', 'x/b': '3', 'y/a': '1', 'y/c': '4' });
  const { objects, tree } = await openTree(pfs.context, 'default/data', 'master');
  const sides = { old: await findFile(objects, tree, 'x'), new: await findFile(objects, tree, '') };
  const list = async (after?: string) =>
    (await all(diffEntries(objects, sides, { after }))).map(keyOfDifference);
  const whole = await list();
  assert.ok(whole.length > 4);
  for (const [i, after] of whole.entries()) {
    assert.deepEqual(await list(after), whole.slice(whole.indexOf(after) + 1), `${i}: ${after}`);
  }
});
