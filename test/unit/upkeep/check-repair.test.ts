import assert from 'node:assert/strict';
import { it } from 'node:test';
import { packKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { ACTOR, createRepos, openTestPfs, put } from '../../support/pfs.ts';
import { check, contents, copyOf, fill, mirror, objectsOf, repair } from './store-rig.ts';

it('a store that nothing happened to has nothing wrong', async (t) => {
  const store = new MemoryObjectStore();
  await fill(t, store);
  for (const data of [false, true]) {
    const { damage, others, summary } = await check(store, data);
    assert.deepEqual([damage, others], [[], []]);
    assert.equal(summary.commits, 6);
    assert.equal(summary.bytes > 0, data);
  }
});

/** Ways in which a disk loses what was on it. */
const HARM: Readonly<Record<string, (bytes: Buffer) => Buffer | undefined>> = {
  deleted: () => undefined,
  'cut short': (bytes) => bytes.subarray(0, bytes.length - 7),
  'flipped in the middle': (bytes) => flipped(bytes, bytes.length >> 1),
  'flipped near its end': (bytes) => flipped(bytes, bytes.length - 12),
  empty: () => Buffer.alloc(0),
};

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at);
  return copy;
}

for (const [how, harm] of Object.entries(HARM)) {
  it(`finds, names and repairs any object that is ${how}`, { timeout: 300_000 }, async (t) => {
    const store = new MemoryObjectStore();
    await fill(t, store);
    const backup = new MemoryObjectStore();
    await mirror(store, backup);
    const objects = await objectsOf(store);
    const newest = [...objects.keys()].findLast((key) => key.startsWith('journal/'));
    for (const [key, bytes] of objects) {
      const damaged = await copyOf(store);
      const wrong = harm(bytes);
      await (wrong ? damaged.put(key, wrong) : damaged.delete(key));
      const found = await check(damaged);
      // That the newest entry is gone shows only beside a copy that has it.
      const isTail = key === newest && how === 'deleted';
      const told = [...found.damage, ...found.others];
      assert.ok(told.length > 0 || isTail, `${key}: nobody noticed`);
      const isNamed = told.some((finding) => finding.key === key);
      const isLastEntry = told.some(({ message }) => message.includes(key));
      // A snapshot that lost a page is named by its manifest or by the page.
      const isSnapshot = key.startsWith('snapshots/') && told[0]?.key?.startsWith('snapshots/');
      assert.ok(
        isNamed || isLastEntry || isSnapshot || isTail,
        `${key}: ${JSON.stringify(found.damage)}`,
      );
      const after = await repair(damaged, backup);
      assert.deepEqual(after.damage, [], `${key} is still damaged`);
      if (!key.startsWith('snapshots/') && !key.startsWith('history/')) {
        assert.ok(bytes.equals(await damaged.get(key)), `${key} is another object now`);
      }
      for (const [other, theirs] of objects) {
        if (other !== key && !/^(snapshots|history)\//.test(other)) {
          assert.ok(theirs.equals(await damaged.get(other)), `${other} was touched for ${key}`);
        }
      }
    }
  });
}

it('makes indexes, snapshots and history again without any other store', async (t) => {
  const store = new MemoryObjectStore();
  await fill(t, store);
  const before = await contents(t, store);
  const objects = await objectsOf(store);
  const derived = [...objects.keys()].filter((key) => /^(snapshots|history)\/|\.index$/.test(key));
  for (const key of derived) {
    await store.delete(key);
  }
  await store.put(derived.find((key) => key.endsWith('.index')) ?? '', Buffer.from('nonsense'));
  const { damage, repaired } = await repair(store);
  assert.deepEqual(damage, []);
  assert.ok(repaired.length > 5);
  for (const key of derived.filter((one) => one.endsWith('.index'))) {
    assert.ok(objects.get(key)?.equals(await store.get(key)), `${key} was made otherwise`);
  }
  assert.deepEqual(await contents(t, store), before);
});

it('says which files of which commits are affected', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const large = [...pfs.context.journal.state.packs.values()].filter(
    ({ kind }) => kind === 'chunk',
  );
  const second = large.find(({ bytes }) => bytes > 4_000_000);
  const key = `packs/${second?.id.slice(-2)}/${second?.id}`;
  await store.put(key, flipped(await store.get(key), 1000));
  const { damage, summary } = await check(store);
  assert.deepEqual(
    damage.map((finding) => finding.key),
    [key],
  );
  assert.deepEqual(
    summary.affected.map(({ repo, path, commits }) => [repo, path, commits]),
    [['default/data', '/large', 3]],
  );
  // A quick check reads no file.
  assert.deepEqual((await check(store, false)).damage, []);
});

it('what can be had back out of the trash is checked too', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const { context } = pfs;
  const repo = context.journal.state.repos.get('default/other');
  await deleteRepo(context, { key: 'default/other', force: false }, ACTOR);
  const [pack] = [...context.journal.state.packs.values()].filter(({ repos }) =>
    repos.includes(repo?.id ?? ''),
  );
  await store.delete(packKey(pack?.id ?? ''));
  const { summary } = await check(store);
  assert.ok(summary.affected.some((one) => one.repo === 'default/other'));
});

it('without a copy, what is damaged stays damaged and is told', async (t) => {
  const store = new MemoryObjectStore();
  await fill(t, store);
  const [key = ''] = [...(await objectsOf(store)).keys()].filter((one) =>
    /^packs\/..\/[^.]*$/.test(one),
  );
  const bytes = flipped(await store.get(key), 40);
  await store.put(key, bytes);
  const { damage, repaired } = await repair(store);
  assert.deepEqual([damage.map((finding) => finding.key), repaired], [[key], []]);
  assert.ok(bytes.equals(await store.get(key)));
});

it('is not repaired from another store, nor from a copy that went its own way', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  const other = new MemoryObjectStore();
  await other.put('format', Buffer.from(`{"format":1,"id":"${'f'.repeat(32)}"}\n`));
  await assert.rejects(repair(store, other), { code: 'failed_precondition' });
  const copy = await copyOf(store);
  await createRepos(await openTestPfs({ t, store: copy }), 'theirs');
  await createRepos(pfs, 'ours', 'and-more');
  const last = `journal/${String(pfs.context.journal.seq - 1).padStart(20, '0')}.json`;
  const theirs = await openTestPfs({ t, store: copy });
  await createRepos(theirs, 'once-more');
  await store.delete(last);
  await assert.rejects(repair(store, copy), { code: 'failed_precondition' });
});

it('a check beside a writing engine finds nothing wrong', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await fill(t, store);
  let isOver = false;
  const writing = async () => {
    for (let i = 0; !isOver; i++) {
      await put(pfs, 'data@master', { [`w/${i % 7}`]: `written ${i}` });
      await new Promise(setImmediate);
    }
  };
  const writer = writing();
  for (let round = 0; round < 5; round++) {
    assert.deepEqual((await check(store)).damage, []);
  }
  isOver = true;
  await writer;
});
