// The ways in which others lost data (docs/losses.md): the tests named there exist, and those that have no other place.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import { s3Error } from '../../engine/object/s3-error.ts';
import { deleteRepo } from '../../engine/pfs/repos.ts';
import { Compactor } from '../../engine/upkeep/compactor.ts';
import { Pace } from '../../engine/upkeep/pace.ts';
import { ACTOR, put } from '../support/pfs.ts';
import { fill, mirror, repair } from '../unit/upkeep/store-rig.ts';

/** Remembers what was deleted. */
class DeletionsStore extends MemoryObjectStore {
  readonly deleted: string[] = [];

  override async delete(key: string): Promise<void> {
    this.deleted.push(key);
    await super.delete(key);
  }
}

it('each of the losses is shown to be impossible by tests that exist', () => {
  const rows = readFileSync('docs/losses.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| \d+ /.test(line));
  assert.equal(rows.length, 17);
  for (const row of rows) {
    const shown = row.split('|').at(-2) ?? '';
    const tests = shown.split('; `').map((one) => one.trim().replace(/^`/, ''));
    assert.ok(tests.length > 0);
    for (const test of tests) {
      const [file = '', name = ''] = test.split('`: ');
      assert.ok(existsSync(file), `${file} does not exist`);
      const text = readFileSync(file, 'utf8').replaceAll(/\s+/g, ' ');
      assert.ok(text.includes(name.trim()), `${file} has no test "${name}"`);
    }
  }
});

it('nothing that keeps a store well deletes an entry of the journal', async (t) => {
  const store = new DeletionsStore();
  const pfs = await fill(t, store);
  const { context } = pfs;
  for (let round = 0; round < 4; round++) {
    await put(pfs, 'data@master', { again: `${round}` });
    await context.journal.snapshot();
  }
  const onProblem = (error: unknown) => {
    throw error;
  };
  const pace = new Pace({ clock: context.clock });
  await new Compactor(context, { onProblem }).compact({ minPacks: 2, pace });
  await deleteRepo(context, { key: 'default/other', force: false }, ACTOR);
  const target = new DeletionsStore();
  await mirror(store, target);
  await repair(store, target);
  const deleted = [...store.deleted, ...target.deleted];
  assert.ok(deleted.some((key) => key.startsWith('snapshots/')));
  assert.deepEqual(
    deleted.filter((key) => key.startsWith('journal/')),
    [],
  );
});

it('an answer of 409 is one to try again on', () => {
  const place = { bucket: 'b', endpoint: 'http://s3', secrets: [] };
  for (const code of ['ConditionalRequestConflict', 'OperationAborted', 'SomethingNew']) {
    const answer = Object.assign(new Error(code), { code });
    assert.equal(s3Error(answer, { what: 'Cannot put', status: 409, place }).code, 'unavailable');
  }
});
