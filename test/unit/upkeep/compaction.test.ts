import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { packKey } from '../../../engine/object/keys.ts';
import { commitEdits } from '../../../engine/pfs/upload.ts';
import { Compactor } from '../../../engine/upkeep/compactor.ts';
import { type PackLoad, planMerges } from '../../../engine/upkeep/merge-plan.ts';
import { Pace } from '../../../engine/upkeep/pace.ts';
import { createRepos, openTestPfs, type Pfs, put, readAll } from '../../support/pfs.ts';
import { newSeed } from '../object/pack-rig.ts';
import { checkByGit, checkRawPacks } from './git-check.ts';

const seed = newSeed();
const random = new SeededRandom(seed);

async function compact(pfs: Pfs, minPacks = 2): Promise<void> {
  const compactor = new Compactor(pfs.context, {
    onProblem: (error) => {
      throw error;
    },
  });
  await compactor.compact({ minPacks, pace: new Pace({ clock: pfs.context.clock }) });
}

function livePacks(pfs: Pfs) {
  return [...pfs.context.journal.state.packs.values()];
}

function liveBytes(pfs: Pfs): number {
  return livePacks(pfs).reduce((sum, pack) => sum + pack.bytes, 0);
}

/** Returns a flat directory of files. */
function flat(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`/dir/file-${String(i).padStart(6, '0')}`, `${i}`]),
  );
}

function load(id: number, bytes: number, repo = 'a'): PackLoad {
  return { id: `${id}`, kind: 'git', repos: [repo], bytes, objects: 10, dataBytes: bytes };
}

it('packs of like size are merged once there are enough of them, and a large one is not for the sake of small ones', () => {
  const small = Array.from({ length: 7 }, (_, i) => load(i, 1000 + i));
  assert.deepEqual(planMerges(small, 8), []);
  const merges = planMerges([...small, load(8, 900), load(9, 1_000_000)], 8);
  assert.deepEqual(
    merges.map((merge) => merge.map(({ id }) => id).sort()),
    [['0', '1', '2', '3', '4', '5', '6', '8']],
  );
});

it('over many writes every byte is written anew a few times only, and packs stay few', () => {
  let packs: PackLoad[] = [];
  let written = 0;
  let next = 0;
  for (let write = 0; write < 5000; write++) {
    packs.push(load(next++, 500 + Math.floor(random.fraction() * 1000)));
    for (const merge of planMerges(packs, 8)) {
      const gone = new Set(merge.map(({ id }) => id));
      const bytes = merge.reduce((sum, pack) => sum + pack.bytes, 0);
      packs = [...packs.filter(({ id }) => !gone.has(id)), load(next++, bytes)];
      written += bytes;
    }
    assert.ok(packs.length <= 24, `${packs.length} packs after ${write} writes`);
  }
  const total = packs.reduce((sum, pack) => sum + pack.bytes, 0);
  // Halving with each merge would be the logarithm of their number; it does better.
  assert.ok(written / total < Math.log2(5000), `written ${written / total} times`);
});

it('a pack of very many objects is not copied for the sake of a few', () => {
  const small = Array.from({ length: 8 }, (_, i) => load(i, 3_000_000));
  const crowded = { ...load(8, 5_000_000), objects: 100_000 };
  const [merge = []] = planMerges([...small, crowded, load(9, 6_000_000)], 8);
  assert.deepEqual(merge.map(({ id }) => id).sort(), ['0', '1', '2', '3', '4', '5', '6', '7', '9']);
  const crowd = Array.from({ length: 8 }, (_, i) => ({ ...load(i, 3_000_000), objects: 20_000 }));
  assert.equal(planMerges(crowd, 8)[0]?.length, 8);
});

it('packs of different repos, kinds, and full ones are left apart', () => {
  const eight = (make: (i: number) => PackLoad) => Array.from({ length: 8 }, (_, i) => make(i));
  const mixed = [
    ...eight((i) => load(i, 300_000, `repo-${i}`)),
    ...eight((i) => load(10 + i, 20_000_000)),
    ...eight((i) => ({ ...load(20 + i, 100), kind: 'chunk' as const, repos: ['b'] })),
  ];
  assert.deepEqual(
    planMerges(mixed, 8).map((merge) => merge.map(({ id }) => id)),
    [['20', '21', '22', '23', '24', '25', '26', '27']],
  );
});

it('versions of a flat directory become deltas: every commit reads back, the store grows by little', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', flat(3000));
  await compact(pfs);
  const before = liveBytes(pfs);
  const commits: string[] = [];
  const count = 60;
  for (let i = 0; i < count; i++) {
    const file = `/dir/file-${String(Math.floor(random.fraction() * 3000)).padStart(6, '0')}`;
    commits.push((await put(pfs, 'data@master', { [file]: `change ${i}` }, { own: true })).id);
    if (i % 10 === 9) {
      await compact(pfs, 8);
    }
  }
  await compact(pfs);
  const growth = (liveBytes(pfs) - before) / count;
  assert.ok(growth < 3000, `grew by ${growth} bytes per commit`);
  assert.ok(livePacks(pfs).length <= 3, `${livePacks(pfs).length} packs`);
  const other = await openTestPfs({ t, store: pfs.store });
  for (const [i, id] of commits.entries()) {
    const files = await readAll(other, `data@${id}`);
    assert.equal(Object.keys(files).length, 3000);
    assert.ok(Object.values(files).includes(`change ${i}`), `commit ${i}`);
  }
  await checkByGit(t, other, 'data');
  checkRawPacks(t, await Promise.all(livePacks(pfs).map(({ id }) => pfs.store.get(packKey(id)))));
});

it('many small packs of many directories and a large file are merged, and read back the same', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data', 'other');
  const model: Record<string, string> = {};
  for (let i = 0; i < 40; i++) {
    const files: Record<string, string | Buffer> = {};
    for (let n = 0; n < 5; n++) {
      const path = `d${Math.floor(random.fraction() * 10)}/f${Math.floor(random.fraction() * 20)}`;
      files[path] = `content ${i} ${n}`;
    }
    if (i % 8 === 0) {
      files[`large-${i}`] = random.bytes(3 * 1024 * 1024);
    }
    for (const [path, data] of Object.entries(files)) {
      model[path] = data.toString();
    }
    await put(pfs, 'data@master', files);
    await put(pfs, 'other@master', { [`/${i}`]: `content ${i} 0` });
  }
  const before = livePacks(pfs).length;
  await compact(pfs);
  assert.ok(livePacks(pfs).length <= 6, `${before} packs became ${livePacks(pfs).length}`);
  const seen = await readAll(await openTestPfs({ t, store: pfs.store }), 'data@master');
  assert.deepEqual(seen, model);
  await checkByGit(t, pfs, 'data');
  await checkByGit(t, pfs, 'other');
});

it('a write that leaned on a pack which was compacted meanwhile lands as if nothing had happened', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { '/a': 'one', '/b': 'two' });
  await put(pfs, 'data@master', { '/c': 'three' });
  const session = pfs.context.newSession();
  const blob = await session.blob(Buffer.from('one'));
  await compact(pfs);
  await commitEdits(pfs.context, pfs.queue, {
    target: { repo: 'default/data', ref: 'master', own: false, description: '' },
    edits: [{ kind: 'set', path: 'again', entry: { mode: '100644', id: blob } }],
    session,
    request: { actor: 'test' },
  });
  assert.equal((await readAll(pfs, 'data@master')).again, 'one');
});

it('of two engines that merge the same packs one wins, and both read on', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  for (let i = 0; i < 20; i++) {
    await put(pfs, 'data@master', { [`/f${i}`]: `${i}` });
  }
  const other = await openTestPfs({ t, store: pfs.store });
  await Promise.all([compact(pfs), compact(other)]);
  await pfs.context.journal.sync();
  await other.context.journal.sync();
  assert.deepEqual(
    livePacks(pfs).map(({ id }) => id),
    livePacks(other).map(({ id }) => id),
  );
  assert.deepEqual(await readAll(pfs, 'data@master'), await readAll(other, 'data@master'));
});

it('a damaged pack is reported and left alone, and the others are merged', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  for (let i = 0; i < 6; i++) {
    await put(pfs, 'data@master', { [`/f${i}`]: `${i}` });
  }
  const victim = livePacks(pfs)[2];
  assert.ok(victim);
  const bytes = await pfs.store.get(packKey(victim.id));
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await pfs.store.put(packKey(victim.id), bytes);
  const reader = await openTestPfs({ t, store: pfs.store });
  const problems: unknown[] = [];
  const compactor = new Compactor(reader.context, { onProblem: (error) => problems.push(error) });
  await compactor.compact({ minPacks: 2, pace: new Pace({ clock: reader.context.clock }) });
  assert.equal(problems.length, 1);
  assert.match(String(problems[0]), new RegExp(victim.id));
  assert.deepEqual(livePacks(reader).filter(({ id }) => id === victim.id).length, 1);
  assert.equal(livePacks(reader).length, 2);
});

it('compaction ends when the engine does, and nothing has changed', async (t) => {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  for (let i = 0; i < 6; i++) {
    await put(pfs, 'data@master', { [`/f${i}`]: `${i}` });
  }
  const before = livePacks(pfs);
  const end = new AbortController();
  end.abort();
  const compactor = new Compactor(pfs.context, { onProblem: () => assert.fail() });
  const pace = new Pace({ clock: pfs.context.clock, signal: end.signal });
  await assert.rejects(compactor.compact({ minPacks: 2, pace }), { code: 'cancelled' });
  assert.deepEqual(livePacks(pfs), before);
});
