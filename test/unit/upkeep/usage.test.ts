import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { Pace } from '../../../engine/upkeep/pace.ts';
import { usageOf, usageOfRepos } from '../../../engine/upkeep/usage.ts';
import { ACTOR, createRepos, type Pfs, put } from '../../support/pfs.ts';
import { collectOn, GRACE, HOUR, newUpkeepRig } from './upkeep-rig.ts';

const MiB = 1024 * 1024;
const random = new SeededRandom(5);

async function of(pfs: Pfs, repo: string, ref?: string) {
  const pace = new Pace({ clock: pfs.context.clock });
  const target = { repo: `default/${repo}`, ...(ref === undefined ? {} : { ref }) };
  return await usageOf(pfs.context, target, pace);
}

function near(bytes: number, wanted: number): boolean {
  return Math.abs(bytes - wanted) < 8000;
}

it('what only one repo needs is told apart from what it shares with others', async (t) => {
  const { pfs } = await newUpkeepRig(t);
  await createRepos(pfs, 'one', 'two', 'empty');
  const [shared, own, other] = [
    random.bytes(3 * MiB),
    random.bytes(2 * MiB),
    random.bytes(MiB / 2),
  ];
  await put(pfs, 'one@master', { '/shared': shared, '/own': own });
  await put(pfs, 'two@master', { '/same': shared, '/other': other });
  const one = await of(pfs, 'one');
  assert.equal(one.commits, 1);
  assert.equal(one.logical, 5 * MiB);
  assert.ok(near(one.unique, 2 * MiB) && near(one.shared, 3 * MiB), JSON.stringify(one));
  const two = await of(pfs, 'two');
  assert.ok(near(two.unique, MiB / 2) && near(two.shared, 3 * MiB), JSON.stringify(two));
  assert.deepEqual(await of(pfs, 'empty'), { commits: 0, logical: 0, unique: 0, shared: 0 });
  const rows = await usageOfRepos(pfs.context, new Pace({ clock: pfs.context.clock }));
  const byRepo = new Map(rows.map(({ repo, ...usage }) => [repo, usage]));
  assert.deepEqual(byRepo.get('default/one'), one);
  assert.deepEqual(byRepo.get('default/two'), two);
  await assert.rejects(of(pfs, 'nowhere'), { code: 'not_found' });
  await assert.rejects(of(pfs, 'one', 'nowhere'), { code: 'not_found' });
});

it('what a repo alone needs is what its deletion gives back', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'one', 'two');
  const shared = random.bytes(3 * MiB);
  await put(pfs, 'one@master', { '/shared': shared, '/own': random.bytes(2 * MiB) });
  await put(pfs, 'two@master', { '/same': shared });
  const bytes = () =>
    [...pfs.context.journal.state.packs.values()].reduce((n, p) => n + p.bytes, 0);
  const { unique } = await of(pfs, 'one');
  const before = bytes();
  await deleteRepo(pfs.context, { key: 'default/one', force: false }, ACTOR);
  for (let i = 0; i < 2; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
  }
  // Packs of which more than half is reached stay: what goes is at most what the repo alone needed.
  assert.ok(before - bytes() <= unique + 8000);
  assert.ok((await of(pfs, 'two')).shared === 0);
});

it('a commit adds what no other has, and a branch all that leads to its head', async (t) => {
  const { pfs } = await newUpkeepRig(t);
  await createRepos(pfs, 'data');
  const first = await put(pfs, 'data@master', { '/a': random.bytes(2 * MiB) });
  await put(pfs, 'data@master', { '/b': random.bytes(3 * MiB) });
  const commit = await of(pfs, 'data', first.id);
  assert.deepEqual([commit.commits, commit.logical], [1, 2 * MiB]);
  assert.ok(near(commit.unique, 0) && near(commit.shared, 2 * MiB));
  const head = await of(pfs, 'data', 'master^0');
  assert.ok(near(head.unique, 3 * MiB), JSON.stringify(head));
  const branch = await of(pfs, 'data', 'master');
  assert.deepEqual([branch.commits, branch.logical], [2, 7 * MiB]);
  assert.ok(near(branch.unique, 5 * MiB));
  assert.equal(branch.shared, 0);
});
