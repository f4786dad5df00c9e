import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { deleteFiles } from '../../../engine/pfs/change-files.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { findPathChanges } from '../../../engine/pfs/find-commit.ts';
import { mergeBranch } from '../../../engine/pfs/merge.ts';
import { ACTOR, createRepos, openTestPfs, type Pfs, put, target } from '../../support/pfs.ts';
import { newSeed } from '../object/pack-rig.ts';

const repo = 'default/data';

/** Returns the changes of a path, newest first, as `<sign><commit>`. */
async function changes(pfs: Pfs, path: string, ref = 'master'): Promise<string[]> {
  const found: string[] = [];
  for await (const { commit, old, new: now } of findPathChanges(pfs.context, { repo, ref, path })) {
    found.push(`${old ? (now ? 'M' : '-') : '+'}${commit.id}`);
  }
  return found;
}

it('finds what added, changed and removed a path, in random commits, out of history too', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  const chance = new SeededRandom(newSeed());
  const pick = (count: number) => Math.floor(chance.fraction() * count);
  const paths = ['a', 'd/a', 'd/b', 'd/e/a'];
  const expected = new Map(paths.map((path): [string, string[]] => [path, []]));
  const now = new Map<string, string>();
  for (let i = 0; i < 60; i++) {
    const path = paths[pick(paths.length)] ?? '';
    const value = `${pick(3)}`;
    const before = now.get(path);
    if (pick(4) === 0) {
      const { id } = await deleteFiles(pfs.context, pfs.queue, {
        target: target('data@master'),
        paths: [path],
        request: ACTOR,
      });
      now.delete(path);
      if (before !== undefined) {
        expected.get(path)?.unshift(`-${id}`);
      }
    } else {
      const { id } = await put(pfs, 'data@master', { [path]: value });
      now.set(path, value);
      if (before !== value) {
        expected.get(path)?.unshift(`${before === undefined ? '+' : 'M'}${id}`);
      }
    }
  }
  await pfs.context.journal.snapshot();
  for (const engine of [pfs, await openTestPfs({ t, store })]) {
    for (const [path, found] of expected) {
      assert.deepEqual(await changes(engine, path), found, path);
    }
  }
  const below = [
    ...(expected.get('d/a') ?? []),
    ...(expected.get('d/b') ?? []),
    ...(expected.get('d/e/a') ?? []),
  ];
  const ids = (list: readonly string[]) => new Set(list.map((one) => one.slice(1)));
  assert.deepEqual(
    ids(await changes(pfs, 'd')),
    ids(below),
    'a directory changes with what it holds',
  );
});

it('takes a merge for one change, and passes over what is open or was never there', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const first = await put(pfs, 'data@master', { a: '1' });
  await putBranch(pfs.context, { repo, branch: 'dev', head: 'master' }, ACTOR);
  await put(pfs, 'data@dev', { a: '2' });
  await put(pfs, 'data@dev', { a: '3' });
  await put(pfs, 'data@master', { b: 'b' });
  const merge = { repo, from: 'dev', into: 'master', fastForward: true, description: '' };
  const { commit } = await mergeBranch(pfs.context, merge, ACTOR);
  await startCommit(pfs.context, { repo, branch: 'master', description: '' }, ACTOR);
  await put(pfs, 'data@master', { a: 'open' });
  assert.deepEqual(await changes(pfs, 'a'), [`M${commit?.id}`, `+${first.id}`]);
  assert.deepEqual(await changes(pfs, 'none'), []);
  assert.deepEqual(await changes(pfs, 'a/below'), []);
});
