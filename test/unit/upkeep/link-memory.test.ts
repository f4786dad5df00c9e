import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { LinkMemory } from '../../../engine/upkeep/link-memory.ts';
import { ACTOR, createRepos, type Pfs, put } from '../../support/pfs.ts';
import { chosenSeed } from '../../support/seed.ts';
import { collectOn, compactOn, GRACE, HOUR, newUpkeepRig } from './upkeep-rig.ts';

const DIRECTORIES = 300;
const MiB = 1024 * 1024;

/** Counts the objects that are read out of packs. */
function countReads({ context }: Pfs): { count: number } {
  const reads = { count: 0 };
  const { packs } = context;
  const { readHit, readRange } = packs;
  packs.readHit = (...args) => {
    reads.count += 1;
    return readHit.apply(packs, args);
  };
  packs.readRange = (...args) => {
    reads.count += 1;
    return readRange.apply(packs, args);
  };
  return reads;
}

/** Returns how many objects a collection reads. */
async function readsOf(pfs: Pfs, memory: LinkMemory): Promise<number> {
  const reads = countReads(pfs);
  await collectOn(pfs, { dryRun: true, memory });
  return reads.count;
}

function manyDirectories(): Record<string, string | Buffer> {
  const files: Record<string, string | Buffer> = { large: Buffer.alloc(5 * MiB, 'many chunks') };
  for (let i = 0; i < DIRECTORIES; i++) {
    files[`d${i}/file`] = `content ${i}`;
    files[`d${i}/perhaps-a-pointer`] = `of a pointer's length ${i} `.repeat(6).slice(0, 130);
  }
  return files;
}

it('a second collection reads what came since the first, and not what was reached before', async (t) => {
  const { pfs } = await newUpkeepRig(t);
  const memory = new LinkMemory();
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', manyDirectories());
  const first = await readsOf(pfs, memory);
  assert.ok(first > 2 * DIRECTORIES, `the first one reads all ${first} directories and pointers`);
  assert.equal(await readsOf(pfs, memory), 0, 'where nothing changed nothing is read');
  await put(pfs, 'data@master', { 'd7/file': 'changed' });
  const second = await readsOf(pfs, memory);
  // Each read is counted once as an object and once as a range: the root, d7, and nothing more.
  assert.ok(second > 0 && second <= 6, `one change costs ${second} reads`);
  await put(pfs, 'data@dev', { 'd7/file': 'changed' });
  assert.ok((await readsOf(pfs, memory)) <= 4, 'what is shared with others is known');
});

it('what was read of packs that were merged since is known of the packs they went into', async (t) => {
  const { pfs } = await newUpkeepRig(t);
  const memory = new LinkMemory();
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', manyDirectories());
  for (let i = 0; i < 10; i++) {
    await put(pfs, 'data@master', { [`d${i}/file`]: `changed ${i}` });
  }
  await readsOf(pfs, memory);
  await compactOn(pfs);
  const reads = await readsOf(pfs, memory);
  // The versions of the root are deltas now, and large: of those the parts are read.
  assert.ok(reads <= 2 * 12, `${reads} reads after a merge`);
  assert.equal(await readsOf(pfs, memory), 0);
});

it('what is remembered is bounded, and what is not is read again', async (t) => {
  const { pfs } = await newUpkeepRig(t);
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', manyDirectories());
  const none = new LinkMemory({ maxBytes: 0 });
  const first = await readsOf(pfs, none);
  assert.ok(Math.abs((await readsOf(pfs, none)) - first) <= 2);
  assert.deepEqual(
    await collectOn(pfs, { dryRun: true, memory: none }),
    await collectOn(pfs, { dryRun: true }),
  );
});

it('two collections at once do not share a memory, and both are right', async (t) => {
  const { pfs } = await newUpkeepRig(t);
  const memory = new LinkMemory();
  await createRepos(pfs, 'data', 'more');
  await put(pfs, 'data@master', manyDirectories());
  const collections = [];
  for (let i = 0; i < 4; i++) {
    collections.push(collectOn(pfs, { dryRun: true, memory }));
    await put(pfs, 'more@master', { [`d${i}/file`]: `new ${i}` });
    await compactOn(pfs);
  }
  await Promise.all(collections);
  assert.deepEqual(
    await collectOn(pfs, { dryRun: true, memory }),
    await collectOn(pfs, { dryRun: true }),
  );
});

it('a collection that remembers finds what one finds that reads everything, whatever happened in between', async (t) => {
  const seed = chosenSeed();
  console.log(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const upTo = (below: number) => Math.floor(random.fraction() * below);
  const { pfs, pass } = await newUpkeepRig(t);
  const memory = new LinkMemory({ maxBytes: seed % 2 === 0 ? 4096 : 1024 * 1024 });
  const repos = ['r0', 'r1', 'r2'];
  await createRepos(pfs, ...repos);
  for (let step = 0; step < 60; step++) {
    const slot = upTo(repos.length);
    const repo = repos[slot] ?? '';
    const dice = upTo(10);
    if (dice < 6) {
      const files: Record<string, string> = {};
      for (let i = 0; i < 1 + upTo(30); i++) {
        files[`d${upTo(4)}/e${upTo(4)}/f${upTo(30)}`] = `content ${upTo(40)}`;
      }
      files.large = `stored as a large file is what names git-lfs: ${upTo(5)}`;
      await put(pfs, `${repo}@${upTo(3) === 0 ? 'dev' : 'master'}`, files);
    } else if (dice === 6) {
      await deleteRepo(pfs.context, { key: `default/${repo}`, force: true }, ACTOR);
      repos[slot] = `r${step + 10}`;
      await createRepos(pfs, repos[slot]);
    } else if (dice === 7) {
      await compactOn(pfs);
    } else {
      pass(upTo(2) * GRACE + HOUR);
      const dryRun = { dryRun: true };
      assert.deepEqual(await collectOn(pfs, { ...dryRun, memory }), await collectOn(pfs, dryRun));
      await collectOn(pfs, { memory });
      assert.deepEqual(await collectOn(pfs, { ...dryRun, memory }), await collectOn(pfs, dryRun));
    }
  }
});
