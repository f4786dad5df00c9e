// The way out: ten thousand files, exported after the store was compacted, in the hands of stock Git and git-lfs.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { SeededRandom } from '../../engine/base/random.ts';
import { Compactor } from '../../engine/upkeep/compactor.ts';
import { Pace } from '../../engine/upkeep/pace.ts';
import { filesIn, gitIn, writeExport } from '../support/git-export.ts';
import { createRepos, openTestPfs, put } from '../support/pfs.ts';
import { scratchDirectory } from '../support/scratch.ts';

const FILES = 10_000;
const VERSIONS = 12;

it('ten thousand files and their versions leave through git clone, byte for byte', {
  timeout: 300_000,
}, async (t) => {
  const random = new SeededRandom(10);
  const root = scratchDirectory(t);
  const [bare, clone, home] = ['bare.git', 'clone', 'home'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(bare);
  mkdirSync(home);
  const pfs = await openTestPfs({ t });
  const { context } = pfs;
  await createRepos(pfs, 'data');
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < FILES; i++) {
    files[`directory ${i % 40}/file-${i}.txt`] = Buffer.from(`file ${i}\n`.repeat(1 + (i % 50)));
  }
  files['directory 0/large.bin'] = random.bytes(3_000_000);
  await put(pfs, 'data@master', files);
  for (let i = 1; i < VERSIONS; i++) {
    const changed = { [`directory ${i}/file-${i}.txt`]: Buffer.from(`version ${i}`) };
    await put(pfs, 'data@master', changed);
    Object.assign(files, changed);
  }
  const onProblem = (error: unknown) => {
    throw error;
  };
  const pace = new Pace({ clock: context.clock });
  await new Compactor(context, { onProblem }).compact({ minPacks: 2, pace });
  await writeExport(pfs, 'data', bare);

  const git = gitIn(home, root);
  assert.equal(git('-C', bare, 'fsck', '--strict', '--full'), '');
  git('clone', '-q', bare, clone);
  assert.match(git('-C', clone, 'lfs', 'fsck'), /OK/);
  assert.equal(git('-C', clone, 'status', '--porcelain'), '');
  assert.equal(git('-C', clone, 'rev-list', '--count', 'HEAD'), `${VERSIONS}\n`);
  const found = filesIn(clone);
  assert.equal(found.size, FILES + 1);
  for (const [path, bytes] of Object.entries(files)) {
    assert.ok(found.get(path)?.bytes.equals(bytes), path);
  }
});
