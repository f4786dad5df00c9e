// What jobs need is never garbage: results that a job under way has journaled, and those that later jobs skip by.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { CuttableStore } from '../../support/cuttable-store.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { ACTOR, createRepos, openTestPfs, type Pfs, put } from '../../support/pfs.ts';
import { collectOn, compactOn } from './upkeep-rig.ts';

/** Merges and collects without any grace until nothing more goes. */
async function collectAll(pfs: Pfs): Promise<number> {
  let deleted = 0;
  for (let round = 0; round < 3; round++) {
    await compactOn(pfs);
    deleted += (await collectOn(pfs, { graceMs: 0 })).deleted.count;
  }
  return deleted;
}

it('a job that is taken over finds the results that were journaled, whatever was collected in between', {
  timeout: 60_000,
}, async (t) => {
  const store = new MemoryObjectStore();
  const cut = new CuttableStore(store);
  const clock = new ManualClock();
  const first = await TestEngine.start(t, { store: cut, clock, self: 'home-1' });
  await first.repos('data');
  await first.put(
    'data',
    Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}`, `${i}`])),
  );
  const stuck = new Latch();
  first.executor.setCode('copy', (run) => {
    if (first.executor.runs.length === 7) {
      stuck.open();
      return run.hang();
    }
    return run.write(String(run.env.data).slice(10), 'done by the first');
  });
  await first.pipeline({ name: 'copy', input: 'data' });
  await stuck.opened;
  await clock.pass(2000);
  assert.equal((await first.job('copy')).datums.processed, 6);
  cut.cut();
  first.abandon();

  const collector = await openTestPfs({ t, store });
  await createRepos(collector, 'gone');
  await put(collector, 'gone@master', { garbage: 'that is deleted' });
  await deleteRepo(collector.context, { key: 'default/gone', force: false }, ACTOR);
  assert.ok((await collectAll(collector)) > 0, 'something was deleted');
  const second = await TestEngine.start(t, { store, self: 'home-2' });
  second.executor.setCode('copy', (run) =>
    run.write(String(run.env.data).slice(10), 'done by the second'),
  );
  const job = await second.done('copy');
  assert.deepEqual([job.state, counts(job)], ['success', '10/0/0 of 10']);
  assert.equal(second.executor.runs.length, 4);
  const texts = Object.values(await second.read('copy'));
  assert.equal(texts.filter((text) => text === 'done by the first').length, 6);
});

it('data that was ever processed is not processed again after a collection', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: 'one' });
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.done('copy');
  await engine.put('data', { a: 'two' });
  await engine.done('copy');
  await engine.pfs.context.journal.snapshot();
  await collectAll(engine.pfs);
  await engine.put('data', { a: 'one' });
  const job = await engine.done('copy');
  assert.deepEqual([job.state, counts(job)], ['success', '0/1/0 of 1']);
  assert.deepEqual(await engine.read('copy'), { a: 'one' });
});
