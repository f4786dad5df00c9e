// What datums write to their bucket `out`.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { OutFolder } from '../../../engine/jobs/out-folder.ts';
import { Latch } from '../../support/latch.ts';
import { scratchDirectory } from '../../support/scratch.ts';

async function* bytes(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

const tagged = (tag: string) => ({ tag: () => tag });

it('a put that began before the command ended is in nothing that is opened later', async (t) => {
  const folder = new OutFolder(join(scratchDirectory(t), 's3'));
  await folder.open();
  const [begun, goOn] = [new Latch(), new Latch()];
  const late = folder.put(
    'late',
    (async function* () {
      begun.open();
      yield Buffer.from('half');
      await goOn.opened;
    })(),
    tagged('1'),
  );
  await begun.opened;
  folder.close();
  await assert.rejects(folder.put('later', bytes('x'), tagged('2')), { code: 'cancelled' });
  await folder.open();
  goOn.open();
  await assert.rejects(late);
  assert.deepEqual(folder.entries(''), []);
  assert.equal(await folder.find('late'), undefined);
});

it('what does not arrive whole leaves what was there', async (t) => {
  const folder = new OutFolder(join(scratchDirectory(t), 's3'));
  await folder.open();
  await folder.put('d/a', bytes('one'), tagged('1'));
  const broken = (async function* () {
    yield Buffer.from('tw');
    throw new Error('the client went away');
  })();
  await assert.rejects(folder.put('d/a', broken, tagged('2')), /went away/);
  assert.equal(readFileSync(join(folder.path, 'd/a'), 'utf8'), 'one');
  assert.equal((await folder.find('d/a'))?.etag, '1');
  const check = (found: string | undefined) => {
    throw new Error(`there is ${found}`);
  };
  await assert.rejects(folder.put('d/a', bytes('x'), { ...tagged('3'), check }), /there is 1/);
  await assert.rejects(folder.put('d/a/b', bytes('x'), tagged('4')), { code: 'invalid' });
  await assert.rejects(folder.put('d', bytes('x'), tagged('5')), { code: 'invalid' });
  assert.equal(folder.remove('d/a'), true);
  assert.equal(folder.remove('d/a'), false);
  assert.equal(existsSync(join(folder.path, 'd')), false, 'empty directories go');
});
