import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import type { Journal } from '../../../engine/journal/journal.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { Bank, BankOperation } from './bank.ts';
import { dump, just, move, openBank, receipt, receiptId, testSeed } from './bank.ts';
import { TestStore } from './test-stores.ts';

const actor = 'tester';

async function keysOf(bucket: MemoryObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(prefix)) {
    keys.push(key);
  }
  return keys;
}

async function receiptsOf(journal: Journal<Bank, BankOperation>, reverse = false) {
  const keys: string[] = [];
  for await (const { key } of journal.history.scan({ prefix: 'receipt/', reverse })) {
    keys.push(key.slice('receipt/'.length));
  }
  return keys;
}

it('a store opens from its snapshot and the entries after it', async () => {
  const bucket = new MemoryObjectStore();
  const journal = await openBank(bucket);
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 100 }), { actor });
  await journal.transact(move('a', 'b', 1), { actor, requestId: 'before' });
  await journal.transact(just(receipt(1), receipt(2, 'open')), { actor });
  await journal.snapshot();
  await journal.transact(move('a', 'b', 1), { actor, requestId: 'after' });
  await journal.transact(just(receipt(3)), { actor });
  const store = new TestStore(bucket);
  const again = await openBank(store);
  assert.deepEqual(dump(again.state), dump(journal.state));
  assert.deepEqual([...again.state.receipts.keys()], [receiptId(2), receiptId(3)]);
  assert.deepEqual(await receiptsOf(again), [receiptId(1)]);
  assert.equal(await again.transact(move('a', 'b', 1), { actor, requestId: 'before' }), 99);
  assert.equal(await again.transact(move('a', 'b', 1), { actor, requestId: 'after' }), 98);
  assert.ok(!store.gets.includes('journal/00000000000000000001.json'), 'old entries are not read');
});

it('snapshots are taken in the background and only the newest two stay', async () => {
  const bucket = new MemoryObjectStore();
  let next = 0;
  for (let round = 0; round < 5; round++) {
    const journal = await openBank(bucket, { snapshots: { entries: 10 } });
    for (let i = 0; i < 13; i++) {
      await journal.transact(just(receipt(next)), { actor });
      next += 1;
    }
    await journal.close();
  }
  const manifests = (await keysOf(bucket, 'snapshots/')).filter((key) => key.endsWith('.json'));
  assert.equal(manifests.length, 2);
  const again = await openBank(bucket);
  const all = [...(await receiptsOf(again)), ...again.state.receipts.keys()];
  assert.deepEqual(
    all.sort(),
    Array.from({ length: next }, (_, i) => receiptId(i)),
  );
});

it('a damaged, missing or unfinished snapshot falls back to the older one', async () => {
  const bucket = new MemoryObjectStore();
  const journal = await openBank(bucket);
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 100 }), { actor });
  await journal.snapshot();
  await journal.transact(move('a', 'b', 10), { actor });
  await journal.snapshot();
  const [older = '', newer = ''] = [1, 2].map(
    (seq) => `snapshots/${String(seq).padStart(20, '0')}/`,
  );
  const pages = await keysOf(bucket, newer);
  for (const page of pages) {
    const bytes = await bucket.get(page);
    const reopen = async () => {
      const problems: unknown[] = [];
      const again = await openBank(bucket, { onProblem: (error) => problems.push(error) });
      assert.deepEqual(dump(again.state), dump(journal.state));
      return problems.length;
    };
    await bucket.put(page, bytes.subarray(0, bytes.length / 2));
    assert.equal(await reopen(), 1, page);
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
    await bucket.put(page, flipped);
    assert.equal(await reopen(), 1, page);
    await bucket.delete(page);
    assert.equal(await reopen(), page.endsWith('manifest.json') ? 0 : 1, page);
    await bucket.put(page, bytes);
    assert.equal(await reopen(), 0, page);
  }
  for (const page of [...pages, ...(await keysOf(bucket, older))]) {
    await bucket.delete(page);
  }
  assert.deepEqual(dump((await openBank(bucket)).state), dump(journal.state));
});

it('a snapshot of another history of the same number is noticed', async () => {
  const bucket = new MemoryObjectStore();
  const journal = await openBank(bucket);
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 1 }), { actor });
  await journal.snapshot();
  const other = new MemoryObjectStore();
  const otherJournal = await openBank(other);
  await otherJournal.transact(just({ kind: 'opened', account: 'a', balance: 2 }), { actor });
  for (const key of await keysOf(bucket, 'snapshots/')) {
    await other.put(key, await bucket.get(key));
  }
  await assert.rejects(openBank(other), { code: 'corrupt', message: /journal\/0*1\.json/ });
});

it('two engines that snapshot the same entry leave one whole snapshot, and both lose nothing', async () => {
  const bucket = new MemoryObjectStore();
  const one = await openBank(bucket);
  await one.transact(just(receipt(1), receipt(2)), { actor });
  const two = await openBank(bucket);
  await Promise.all([one.snapshot(), two.snapshot()]);
  for (const journal of [one, two, await openBank(bucket)]) {
    const all = [...(await receiptsOf(journal)), ...journal.state.receipts.keys()];
    assert.deepEqual(all.sort(), [receiptId(1), receiptId(2)]);
  }
});

it('a record that changes while it is on its way to history stays in memory as it is now', async () => {
  const bucket = new MemoryObjectStore();
  const store = new TestStore(bucket);
  const journal = await openBank(store);
  await journal.transact(just(receipt(1), receipt(2)), { actor });
  store.beforePut = async (key) => {
    if (key.endsWith('manifest.json')) {
      store.beforePut = () => undefined;
      await journal.transact(just(receipt(1, 'open')), { actor });
    }
  };
  await journal.snapshot();
  assert.deepEqual([...journal.state.receipts.keys()], [receiptId(1)]);
  const again = await openBank(bucket);
  assert.deepEqual(dump(again.state), dump(journal.state));
  assert.deepEqual(await again.history.get(`receipt/${receiptId(2)}`), {
    from: 'a',
    to: 'b',
    amount: 2,
    state: 'done',
  });
});

it('records change and vanish while a snapshot is under way, and none is lost or comes back', async (t) => {
  const random = new SeededRandom(testSeed((text) => t.diagnostic(text)));
  const bucket = new MemoryObjectStore();
  const store = new TestStore(bucket);
  let journal = await openBank(store, { snapshots: { entries: 3 } });
  const model = new Set<string>();
  // Ids are never used twice.
  const used = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const id = receiptId(Math.floor(random.fraction() * 60) + 100 * Math.floor(i / 100));
    const known = model.has(id);
    if (known && random.fraction() < 0.6) {
      await journal.transact(just({ kind: 'shredded', id }), { actor });
      model.delete(id);
    } else if (!known && !used.has(id)) {
      await journal.transact(just(receipt(id)), { actor });
      model.add(id);
      used.add(id);
    }
    if (i % 50 === 49) {
      await journal.close();
      journal = await openBank(store, { snapshots: { entries: 3 } });
    }
    if (i % 20 === 19) {
      assert.deepEqual(await allOf(journal), [...model].sort());
      for (const each of model) {
        const found =
          journal.state.receipts.get(each) ?? (await journal.history.get(`receipt/${each}`));
        assert.ok(found, each);
      }
    }
  }
  await journal.snapshot();
  assert.deepEqual(await receiptsOf(journal), [...model].sort());
  assert.equal(journal.state.forgotten.size, 0);
});

async function allOf(journal: Journal<Bank, BankOperation>): Promise<string[]> {
  const memory = [...journal.state.receipts.keys()];
  const past = await receiptsOf(journal);
  return [...new Set([...past, ...memory])].sort();
}
