// The store of format 1 that is kept, in the hands of this engine and of one to come that knows a format 2: what the first write
// does, what older engines do that have it open or come later, and what happens when the upgrade is cut off.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ByteBudget } from '../../engine/base/byte-budget.ts';
import { IdMaker } from '../../engine/base/ids.ts';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { openFormat } from '../../engine/object/format.ts';
import { formatKey, journalKey } from '../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import { listCommits } from '../../engine/pfs/commit-list.ts';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import { openPfs } from '../../engine/pfs/open.ts';
import { raiseFormat } from '../../engine/pfs/raise-format.ts';
import { createRepos, type Pfs, put, readAll, readBytes } from '../support/pfs.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { check, mirror, objectsOf } from '../unit/upkeep/store-rig.ts';

const DATA = join(fileURLToPath(new URL('.', import.meta.url)), '../data/format-1.tar.gz');
const NEXT = 2;
const clock = new SystemClock();
const random = new SystemRandom();

/** Returns the kept store in memory. */
async function keptStore(t: Parameters<typeof scratchDirectory>[0]): Promise<MemoryObjectStore> {
  const directory = scratchDirectory(t);
  execFileSync('tar', ['--extract', '--file', DATA, '--directory', directory]);
  const store = new MemoryObjectStore();
  const folder = await FilesystemObjectStore.open(directory, { clock, random });
  for (const [key, bytes] of await objectsOf(folder)) {
    await store.put(key, bytes);
  }
  return store;
}

/** Opens a store as an engine does that knows formats up to this one; the upgrade is the caller's. */
async function open(store: MemoryObjectStore, format: number): Promise<Pfs> {
  await openFormat(store, { newId: () => '0'.repeat(32), format });
  const ids = new IdMaker(clock, random);
  const budget = new ByteBudget(64 * 1024 * 1024);
  const engine = ids.next();
  const context = await openPfs({ store, clock, random, ids, budget, engine, format });
  return { store, budget, context, queue: new CommitQueue(context) };
}

async function upgraded(store: MemoryObjectStore): Promise<Pfs> {
  const pfs = await open(store, NEXT);
  const present = await openFormat(store, { newId: () => '', format: NEXT });
  await raiseFormat(pfs.context, present, NEXT);
  return pfs;
}

/** Every file of every good commit of users' repos. */
async function everything(pfs: Pfs): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const { key, kind } of [...pfs.context.journal.state.repos.values()]) {
    for await (const { id, error, finished } of kind === 'user'
      ? listCommits(pfs.context, key)
      : []) {
      if (error === null && finished !== null) {
        const from = `${key.replace('default/', '')}@${id}`;
        for (const [path, { bytes }] of await readBytes(pfs, from)) {
          all.set(`${from}:${path}`, bytes.toString('base64'));
        }
      }
    }
  }
  return all;
}

it('the first write of this engine adds to an old store, and changes nothing that is there', async (t) => {
  const store = await keptStore(t);
  const before = await objectsOf(store);
  const pfs = await open(store, 1);
  const files = await everything(pfs);
  assert.ok(files.size > 10);
  await createRepos(pfs, 'new');
  await put(pfs, 'new@master', { a: 'written by a later engine' });
  for (const [key, bytes] of before) {
    assert.ok(bytes.equals(await store.get(key)), `${key} is what it was`);
  }
  assert.equal((await store.get(formatKey())).toString(), before.get(formatKey())?.toString());
  const after = await everything(await open(store, 1));
  assert.equal(after.size, files.size + 1);
  assert.deepEqual((await check(store)).damage, []);
});

it('an upgrade stops the older engines that have the store open, and refuses those that come', async (t) => {
  const store = await keptStore(t);
  const before = await objectsOf(store);
  const old = await open(store, 1);
  const files = await everything(old);
  const next = await upgraded(store);
  assert.deepEqual(await everything(next), files, 'a newer engine reads all of it as it is');

  await assert.rejects(put(old, 'data@master', { late: 'x' }, { own: true }), {
    code: 'failed_precondition',
    message: /newer version of pfs/,
  });
  assert.ok(old.context.journal.failure);
  await assert.rejects(open(store, 1), {
    code: 'failed_precondition',
    message: /has format 2, and this engine knows 1; install a newer pfs/,
  });
  for (const [key, bytes] of before) {
    assert.ok(key === formatKey() || bytes.equals(await store.get(key)), `${key} is what it was`);
  }
  await createRepos(next, 'new');
  await put(next, 'new@master', { a: 'of the new format' });
  const again = await upgraded(store);
  assert.equal(again.context.journal.seq, next.context.journal.seq, 'once is enough');
  assert.deepEqual(await readAll(again, 'new@master'), { a: 'of the new format' });
});

it('an upgrade that is cut off is done again, and keeps older engines out from its first step on', async (t) => {
  const store = await keptStore(t);
  const { seq } = (await open(store, 1)).context.journal;
  const put_ = store.put.bind(store);
  store.put = async (key, bytes, options) => {
    if (key === formatKey()) {
      throw new Error('the power failed');
    }
    await put_(key, bytes, options);
  };
  await assert.rejects(upgraded(store), /the power failed/);
  store.put = put_;
  assert.match((await store.get(journalKey(seq + 1))).toString(), /"format\.raised"/);
  assert.match((await store.get(formatKey())).toString(), /"format":1/);
  await assert.rejects(open(store, 1), { code: 'failed_precondition' });
  const next = await upgraded(store);
  assert.match((await store.get(formatKey())).toString(), /"format":2/);
  assert.ok((await everything(next)).size > 10);
});

it('an older engine makes no mirror of an upgraded store', async (t) => {
  const store = await keptStore(t);
  const target = new MemoryObjectStore();
  await mirror(store, target);
  const { context } = await open(store, NEXT);
  await context.journal.transact(
    () => ({ operations: [{ kind: 'format.raised', format: NEXT }], result: null }),
    { actor: 'engine' },
  );
  await assert.rejects(mirror(store, target), { code: 'failed_precondition' });
});
