import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { Batches } from '../../../engine/hosting/batches.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const ID = '0'.repeat(31);

function setUp(t: TestContext) {
  const scratch = scratchDirectory(t);
  const [directory, notes, host] = ['out', 'taken', 'host'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(directory);
  mkdirSync(host);
  writeFileSync(join(host, 'key'), 'precious');
  const executor = { reclaim: () => Promise.reject(new Error('nothing is another user’s here')) };
  const batches = () => {
    const made = new Batches({ directory, notes, executor });
    made.make();
    return made;
  };
  const batch = (name: string) => {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'file'), name);
  };
  return { directory, notes, host, batches, batch };
}

it('a batch is taken under the id it is given, and known to whoever comes after', async (t) => {
  const { directory, notes, batches, batch } = setUp(t);
  batch('b.batch');
  batch('a.batch');
  const taken = batches().take(() => `${ID}1`);
  assert.equal(readFileSync(join(taken?.directory ?? '', 'file'), 'utf8'), 'a.batch');
  const heir = batches();
  assert.deepEqual(heir.taken(), [taken]);
  assert.deepEqual(await heir.clear(), []);
  assert.ok(taken);
  await heir.remove(taken);
  assert.deepEqual([readdirSync(directory), readdirSync(notes)], [['b.batch'], []]);
});

it('what user code names like a taken batch is none: it chooses no id of a commit', async (t) => {
  const { directory, host, batches, batch } = setUp(t);
  batch(`${ID}2.taken`);
  symlinkSync(host, join(directory, `${ID}3.taken`));
  assert.deepEqual(batches().taken(), []);
  assert.deepEqual([...(await batches().clear())].sort(), [`${ID}2.taken`, `${ID}3.taken`]);
  assert.deepEqual(readdirSync(directory), []);
  assert.ok(existsSync(join(host, 'key')));
});

it('a link is no batch, under whatever name, nor one that takes the place of a batch', async (t) => {
  const { directory, host, notes, batches, batch } = setUp(t);
  symlinkSync(host, join(directory, 'a.batch'));
  assert.throws(
    () => batches().take(() => `${ID}4`),
    (error) => isEngineError(error, 'invalid'),
  );
  batch('b.batch');
  const taken = batches().take(() => `${ID}5`);
  assert.ok(taken);
  await batches().remove(taken);
  // As if it had died before the note was gone, and user code were quick.
  writeFileSync(join(notes, `${ID}5`), '');
  symlinkSync(host, taken.directory);
  assert.deepEqual(batches().taken(), []);
  assert.deepEqual(readdirSync(notes), []);
  await batches().remove(taken);
  assert.deepEqual(readdirSync(directory), []);
  assert.ok(existsSync(join(host, 'key')));
});
