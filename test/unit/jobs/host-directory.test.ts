import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { usedBytes } from '../../../engine/jobs/host-directory.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const FILE_BYTES = 4096;

/** A directory of so many files. */
function directoryOf(t: TestContext, count: number): string {
  const directory = join(scratchDirectory(t), 'files');
  mkdirSync(directory);
  for (let n = 0; n < count; n++) {
    writeFileSync(join(directory, String(n)), Buffer.alloc(FILE_BYTES, 'x'));
  }
  return directory;
}

/** Counts the turns that others get while `work` goes on. */
async function turns<T>(work: Promise<T>): Promise<{ readonly result: T; readonly turns: number }> {
  let count = 0;
  let timer = setImmediate(function turn() {
    count += 1;
    timer = setImmediate(turn);
  });
  try {
    return { result: await work, turns: count };
  } finally {
    clearImmediate(timer);
  }
}

it('what is used is counted over several directories, without links', async (t) => {
  const [one, other] = [directoryOf(t, 3), directoryOf(t, 2)];
  mkdirSync(join(one, 'deep/er'), { recursive: true });
  writeFileSync(join(one, 'deep/er/file'), Buffer.alloc(FILE_BYTES, 'x'));
  symlinkSync(other, join(one, 'link'));
  const all = await usedBytes([one, other, join(one, 'absent')], Number.POSITIVE_INFINITY);
  assert.equal(all, 6 * FILE_BYTES);
});

it('others work while a large directory is counted, and no more is looked at than it takes to be too much', async (t) => {
  const directory = directoryOf(t, 6000);
  const whole = await turns(usedBytes([directory], Number.POSITIVE_INFINITY));
  assert.equal(whole.result, 6000 * FILE_BYTES);
  assert.ok(whole.turns >= 10, `${whole.turns} turns`);
  const most = 100 * FILE_BYTES;
  assert.equal(await usedBytes([directory], most), most + FILE_BYTES);
});
