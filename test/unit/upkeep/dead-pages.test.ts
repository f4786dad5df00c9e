import assert from 'node:assert/strict';
import { it } from 'node:test';
import { newFormat } from '../../../engine/object/format.ts';
import { formatKey, HISTORY_PREFIX, SNAPSHOTS_PREFIX } from '../../../engine/object/keys.ts';
import type { ObjectStore } from '../../../engine/object/object-store.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { ACTOR, createRepos, type Pfs, put, readAll } from '../../support/pfs.ts';
import { check, STORE_ID } from './store-rig.ts';
import { collectOn, GRACE, HOUR, keysOf, newUpkeepRig, type UpkeepRig } from './upkeep-rig.ts';

/** Commits and takes a snapshot, again and again: of 8 runs each merge makes one. */
async function runs({ pfs, pass }: UpkeepRig, count: number, ids: string[]): Promise<void> {
  for (let i = 0; i < count; i++) {
    ids.push((await put(pfs, 'data@master', { a: `version ${ids.length}` })).id);
    await pfs.context.journal.snapshot();
    pass(1000);
  }
}

/** Reads every commit that there is, most of them out of history. */
async function demandAll(pfs: Pfs, ids: readonly string[]): Promise<void> {
  for (const [i, id] of ids.entries()) {
    assert.deepEqual(await readAll(pfs, `data@${id}`), { a: `version ${i}` });
  }
}

async function demandWhole(store: ObjectStore): Promise<void> {
  assert.deepEqual((await check(store)).damage, []);
}

it('pages that merges left behind go once no snapshot has named them for the grace period', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs, store, pass, open } = rig;
  await store.put(formatKey(), newFormat(STORE_ID));
  await createRepos(pfs, 'data');
  const ids: string[] = [];
  await runs(rig, 20, ids);
  const all = await keysOf(store, HISTORY_PREFIX);
  assert.ok(all.length > 18, `only ${all.length} pages of 20 runs and 2 merges`);
  assert.equal((await collectOn(pfs)).pages.count, 0, 'what has just come stays');

  pass(GRACE - HOUR);
  await runs(rig, 1, ids);
  pass(2 * HOUR);
  await runs(rig, 1, ids);
  const dry = await collectOn(pfs, { dryRun: true });
  assert.ok(dry.pages.count > 0);
  const report = await collectOn(pfs);
  assert.deepEqual(report.pages, dry.pages);
  const left = await keysOf(store, HISTORY_PREFIX);
  assert.equal(left.length, all.length + 2 - report.pages.count);
  assert.ok(left.length < 12, `${left.length} pages are left`);
  assert.equal((await collectOn(pfs)).pages.count, 0);
  await demandAll(pfs, ids);
  await demandAll(await open(), ids);
  await demandWhole(store);
});

it('an engine that has slept meanwhile reads on, also in the middle of a list', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs, store, pass, open } = rig;
  await store.put(formatKey(), newFormat(STORE_ID));
  await createRepos(pfs, 'data');
  const ids: string[] = [];
  await runs(rig, 5, ids);
  const sleeper = await open();
  const list = sleeper.context.scanHistory<{ id: string }>('commit/')[Symbol.asyncIterator]();
  const first = await list.next();
  for (let i = 0; i < 12; i++) {
    await runs(rig, 2, ids);
    pass(GRACE / 4);
    await collectOn(pfs);
  }
  const listed: string[] = [first.value?.[1].id ?? ''];
  for (let next = await list.next(); !next.done; next = await list.next()) {
    listed.push(next.value[1].id);
  }
  assert.deepEqual(listed.slice(0, 4), ids.slice(0, 4));
  assert.deepEqual(listed, [...new Set(listed)], 'none is listed twice');
  await demandAll(sleeper, ids);
  // What it writes stands on what is there now.
  await sleeper.context.journal.snapshot();
  await demandAll(await open(), ids);
  await demandWhole(store);
});

it('engines that take turns with snapshots, deletions and collections lose no record', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs, store, pass, open } = rig;
  await store.put(formatKey(), newFormat(STORE_ID));
  const engines = [pfs, await open(), await open()];
  await createRepos(pfs, 'data', 'gone');
  const ids: string[] = [];
  for (let i = 0; i < 60; i++) {
    const engine = engines[i % 3] as Pfs;
    await engine.context.journal.sync();
    ids.push((await put(engine, 'data@master', { a: `version ${i}` })).id);
    if (i % 7 === 3) {
      await put(engine, 'gone@master', { b: 'x' });
    }
    if (i === 30) {
      await deleteRepo(engine.context, { key: 'default/gone', force: false }, ACTOR);
      await createRepos(engine, 'gone');
    }
    const other = engines[(i * 7) % 3] as Pfs;
    await Promise.all([
      engine.context.journal.snapshot(),
      i % 4 === 0 ? other.context.journal.snapshot() : undefined,
    ]);
    pass(GRACE / 5);
    if (i % 5 === 0) {
      await collectOn(other);
    }
  }
  const snapshots = new Set(
    (await keysOf(store, SNAPSHOTS_PREFIX)).map((key) => key.split('/')[1]),
  );
  assert.ok(snapshots.size <= 4, `${snapshots.size} snapshots stay`);
  const pages = await keysOf(store, HISTORY_PREFIX);
  assert.ok(pages.length < 40, `${pages.length} pages stay`);
  for (const engine of [...engines, await open()]) {
    await engine.context.journal.sync();
    await demandAll(engine, ids);
  }
  await demandWhole(store);
});
