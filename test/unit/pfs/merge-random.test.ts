import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { deleteFiles } from '../../../engine/pfs/change-files.ts';
import { mergeBranch } from '../../../engine/pfs/merge.ts';
import {
  ACTOR,
  createRepos,
  openTestPfs,
  type Pfs,
  put,
  readAll,
  target,
} from '../../support/pfs.ts';
import { mergeMaps } from '../../support/version-model.ts';
import { newSeed } from '../object/pack-rig.ts';

const repo = 'default/data';

it('merges random trees as plain maps are merged', async (t) => {
  const seed = newSeed();
  const chance = new SeededRandom(seed);
  const pick = (count: number) => Math.floor(chance.fraction() * count);
  let [clean, refused] = [0, 0];
  for (let round = 0; round < 25; round++) {
    // In every second round files and directories may have the same names.
    const isTangled = round % 2 === 1;
    const path = () => {
      const steps = Array.from({ length: pick(3) }, () => `${isTangled ? '' : 'd'}${pick(2)}`);
      return [...steps, `${isTangled ? '' : 'f'}${pick(2)}`].join('/');
    };
    const change = async (pfs: Pfs, branch: string, count: number) => {
      for (let i = 0; i < count; i++) {
        const edit =
          pick(3) > 0
            ? put(pfs, `data@${branch}`, { [path()]: `${pick(3)}` })
            : deleteFiles(pfs.context, pfs.queue, {
                target: target(`data@${branch}`),
                paths: [path()],
                request: ACTOR,
              });
        await edit.catch((error: Error) => assert.match(error.message, /at once/));
      }
    };
    const pfs = await openTestPfs({ t });
    await createRepos(pfs, 'data');
    await put(pfs, 'data@master', { f0: '0' });
    await change(pfs, 'master', 6);
    await putBranch(pfs.context, { repo, branch: 'dev', head: 'master' }, ACTOR);
    const base = await readAll(pfs, 'data@master');
    await change(pfs, 'master', 2 + pick(7));
    await change(pfs, 'dev', 2 + pick(7));
    const [ours, theirs] = [await readAll(pfs, 'data@master'), await readAll(pfs, 'data@dev')];
    const expected = mergeMaps(base, ours, theirs);
    const options = { repo, from: 'dev', into: 'master', fastForward: false, description: '' };
    const result = await mergeBranch(pfs.context, options, ACTOR);
    if (result.outcome === 'conflicts') {
      refused += 1;
      assert.deepEqual(await readAll(pfs, 'data@master'), ours);
      if (!isTangled) {
        assert.deepEqual(result.conflicts.map((one) => one.path).sort(), expected.conflicts);
      }
    } else {
      clean += 1;
      assert.deepEqual(expected.conflicts, []);
      assert.deepEqual(await readAll(pfs, 'data@master'), expected.merged);
    }
  }
  assert.ok(clean > 2 && refused > 2, `${clean} clean, ${refused} refused`);
});
