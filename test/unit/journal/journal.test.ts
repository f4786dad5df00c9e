import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { decodeEntry } from '../../../engine/journal/entry.ts';
import { journalKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { dump, just, move, openBank } from './bank.ts';
import { TestStore, unavailable } from './test-stores.ts';

const actor = 'tester';

it('an empty store opens as an empty journal', async () => {
  const journal = await openBank(new MemoryObjectStore());
  assert.equal(journal.seq, 0);
  assert.equal(journal.state.accounts.size, 0);
});

it('replaying the log gives the state that made it', async () => {
  const store = new MemoryObjectStore();
  const journal = await openBank(store);
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 100 }), { actor });
  for (let i = 0; i < 150; i++) {
    await journal.transact(move('a', `x${i % 7}`, i % 2), { actor, requestId: `r${i}` });
  }
  const again = await openBank(store);
  assert.equal(again.seq, 151);
  assert.deepEqual(dump(again.state), dump(journal.state));
});

it('twenty-five concurrent transactions share one put', async () => {
  const store = new TestStore(new MemoryObjectStore());
  const journal = await openBank(store);
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 25 }), { actor });
  store.puts.length = 0;
  const left = await Promise.all(
    Array.from({ length: 25 }, () => journal.transact(move('a', 'b', 1), { actor })),
  );
  assert.equal(store.puts.length, 1);
  assert.deepEqual(
    left,
    Array.from({ length: 25 }, (_, i) => 24 - i),
  );
  assert.equal(journal.state.accounts.get('b'), 25);
});

it('transactions that arrive during a put go together into the next entry', async () => {
  const store = new TestStore(new MemoryObjectStore());
  const journal = await openBank(store);
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const entered = new Promise<void>((resolve) => {
    store.beforePut = () => {
      resolve();
      return gate;
    };
  });
  const first = journal.transact(just({ kind: 'opened', account: 'a', balance: 9 }), { actor });
  await entered;
  const rest = Array.from({ length: 9 }, () => journal.transact(move('a', 'b', 1), { actor }));
  assert.equal(journal.state.accounts.size, 0, 'nobody sees what is not durable');
  open();
  await Promise.all([first, ...rest]);
  assert.equal(journal.seq, 2);
});

it('a refused transaction changes nothing and does not hold up the others of its entry', async () => {
  const store = new TestStore(new MemoryObjectStore());
  const journal = await openBank(store);
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 10 }), { actor });
  const results = await Promise.allSettled([
    journal.transact(move('a', 'b', 4), { actor }),
    journal.transact(move('a', 'b', 40), { actor }),
    journal.transact(
      just(
        { kind: 'opened', account: 'c', balance: 1 },
        { kind: 'opened', account: 'a', balance: 1 },
      ),
      { actor },
    ),
    journal.transact(move('a', 'b', 4), { actor }),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(
    [...journal.state.accounts.entries()],
    [
      ['a', 2],
      ['b', 8],
    ],
  );
  assert.equal(journal.seq, 2);
});

it('a transaction without operations commits nothing', async () => {
  const journal = await openBank(new MemoryObjectStore());
  const size = await journal.transact(
    (state) => ({ operations: [], result: state.accounts.size }),
    { actor },
  );
  assert.equal(size, 0);
  assert.equal(journal.seq, 0);
});

it('losing the race runs the transactions again on what won', async () => {
  const bucket = new MemoryObjectStore();
  const one = await openBank(bucket);
  await one.transact(just({ kind: 'opened', account: 'a', balance: 10 }), { actor });
  const two = await openBank(bucket);
  await one.transact(move('a', 'b', 7), { actor });
  const results = await Promise.allSettled([
    two.transact(move('a', 'c', 5), { actor }),
    two.transact(move('a', 'c', 3), { actor }),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  await one.sync();
  assert.deepEqual(dump(one.state), dump(two.state));
  assert.equal(one.state.accounts.get('a'), 0);
});

it('a request id gets the first answer and commits once, in this engine and in every later one', async () => {
  const bucket = new MemoryObjectStore();
  const one = await openBank(bucket);
  await one.transact(just({ kind: 'opened', account: 'a', balance: 10 }), { actor });
  const options = { actor, requestId: 'r1' };
  const answers = await Promise.all([
    one.transact(move('a', 'b', 1), options),
    one.transact(move('a', 'b', 1), options),
  ]);
  assert.deepEqual(answers, [9, 9]);
  assert.equal(await one.transact(move('a', 'b', 1), options), 9);
  const two = await openBank(bucket);
  assert.equal(await two.transact(move('a', 'b', 1), options), 9);
  assert.equal(two.state.accounts.get('a'), 9);
});

it('a put whose answer is lost counts once', async () => {
  const store = new TestStore(new MemoryObjectStore());
  const journal = await openBank(store);
  let lost = 0;
  store.afterPut = () => {
    lost += 1;
    if (lost === 1) {
      throw unavailable('lost');
    }
  };
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 1 }), { actor });
  assert.equal(journal.seq, 1);
  assert.equal(lost, 2);
});

it('an outcome that stays unknown is said to be unknown, and the same request id settles it', async () => {
  const store = new TestStore(new MemoryObjectStore());
  const journal = await openBank(store, { patienceMs: 0 });
  store.afterPut = () => {
    throw unavailable('lost');
  };
  const open = just({ kind: 'opened', account: 'a', balance: 1 });
  await assert.rejects(journal.transact(open, { actor, requestId: 'r' }), {
    code: 'unavailable',
    message: /outcome unknown.*same request id/,
  });
  assert.equal(journal.state.accounts.size, 0);
  store.afterPut = () => undefined;
  assert.equal(await journal.transact(open, { actor, requestId: 'r' }), null);
  assert.equal(journal.seq, 1);
  assert.equal(journal.state.accounts.get('a'), 1);
});

it('a put that certainly failed refuses the transactions and leaves the journal usable', async () => {
  const store = new TestStore(new MemoryObjectStore());
  const journal = await openBank(store, { patienceMs: 0 });
  store.beforePut = () => {
    throw unavailable('down');
  };
  await assert.rejects(
    journal.transact(just({ kind: 'opened', account: 'a', balance: 1 }), { actor }),
  );
  store.beforePut = () => undefined;
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 2 }), { actor });
  assert.equal(journal.state.accounts.get('a'), 2);
});

it('an operation of a newer version stops the journal', async () => {
  const bucket = new MemoryObjectStore();
  const one = await openBank(bucket);
  await one.transact(just({ kind: 'opened', account: 'a', balance: 1 }), { actor });
  const entry = {
    seq: 2,
    time: 1,
    engine: 'newer',
    writeId: 'w',
    transactions: [
      { actor, operations: [{ kind: 'opened', account: 'z', balance: 0 }, { kind: 'taxed' }] },
    ],
  };
  await bucket.put(journalKey(2), Buffer.from(JSON.stringify(entry)));
  const waiting = one.waitFor((state) => (state.accounts.has('q') ? true : undefined));
  const waited = assert.rejects(waiting, { code: 'failed_precondition' });
  await assert.rejects(one.transact(move('a', 'b', 1), { actor }), {
    code: 'failed_precondition',
    message: /newer version/,
  });
  await waited;
  assert.equal(one.state.accounts.has('z'), false);
  await assert.rejects(one.transact(move('a', 'b', 1), { actor }), { code: 'failed_precondition' });
  await assert.rejects(one.sync(), { code: 'failed_precondition' });
  await assert.rejects(openBank(bucket), { code: 'failed_precondition' });
});

for (const missing of [1, 3, 64, 65, 99]) {
  it(`a log without entry ${missing} of 100 is corrupt and names it`, async () => {
    const bucket = new MemoryObjectStore();
    const one = await openBank(bucket);
    for (let i = 1; i <= 100; i++) {
      await one.transact(just({ kind: 'opened', account: `a${i}`, balance: 1 }), { actor });
    }
    await bucket.delete(journalKey(missing));
    await assert.rejects(openBank(bucket), {
      code: 'corrupt',
      message: new RegExp(`"${journalKey(missing)}"`),
    });
  });
}

it('a damaged entry is corrupt and named', async () => {
  const bucket = new MemoryObjectStore();
  await bucket.put(journalKey(1), Buffer.from('{"seq":1,'));
  await assert.rejects(openBank(bucket), { code: 'corrupt', message: new RegExp(journalKey(1)) });
});

it('no flipped bit of an entry is read as something else', async () => {
  const bucket = new MemoryObjectStore();
  const journal = await openBank(bucket);
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 100 }), { actor });
  const bytes = await bucket.get(journalKey(1));
  const at = { seq: 1, key: journalKey(1) };
  const { transactions } = decodeEntry(bytes, at);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    try {
      // Within the name of the checksum a flip hides that there is one, and harms nothing.
      assert.deepEqual(decodeEntry(flipped, at).transactions, transactions);
      assert.ok(bit < '{"sum":"'.length * 8, `bit ${bit}`);
    } catch (error) {
      assert.ok(isEngineError(error, 'corrupt'), `bit ${bit}: ${error}`);
    }
  }
});

it('an entry that was written without a checksum is read', () => {
  const transactions = [{ actor: 'x', operations: [] }];
  const entry = { seq: 7, time: 1, engine: 'e', writeId: 'w', transactions };
  const bytes = Buffer.from(JSON.stringify(entry));
  assert.deepEqual(decodeEntry(bytes, { seq: 7, key: journalKey(7) }), entry);
});

it('listeners, waiters and change streams follow own and other entries', async () => {
  const bucket = new MemoryObjectStore();
  const one = await openBank(bucket);
  const two = await openBank(bucket);
  const seen: number[] = [];
  two.subscribe((entry) => seen.push(entry.seq));
  const waited = two.waitFor((state) => state.accounts.get('b'));
  const stop = new AbortController();
  const changes = two.changes(stop.signal)[Symbol.asyncIterator]();
  assert.deepEqual(await changes.next(), { done: false, value: 0 });
  await one.transact(just({ kind: 'opened', account: 'a', balance: 1 }), { actor });
  await two.transact(just({ kind: 'opened', account: 'b', balance: 2 }), { actor });
  assert.equal(await waited, 2);
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(await changes.next(), { done: false, value: 2 });
  const next = changes.next();
  stop.abort();
  assert.deepEqual(await next, { done: true, value: undefined });
  await assert.rejects(
    two.waitFor(() => undefined, { signal: stop.signal }),
    { code: 'cancelled' },
  );
});

it('following brings other engines’ entries in', async () => {
  const bucket = new MemoryObjectStore();
  const one = await openBank(bucket);
  const two = await openBank(bucket);
  const stop = two.follow({ intervalMs: 1 });
  const waited = two.waitFor((state) => state.accounts.get('a'));
  await one.transact(just({ kind: 'opened', account: 'a', balance: 5 }), { actor });
  assert.equal(await waited, 5);
  stop();
  await two.close();
});

it('the log can be read back with actors and requests', async () => {
  const journal = await openBank(new MemoryObjectStore());
  await journal.transact(just({ kind: 'opened', account: 'a', balance: 1 }), {
    actor: 'ann',
    requestId: 'r',
  });
  await journal.transact(move('a', 'b', 1), { actor: 'bob' });
  const actors: unknown[] = [];
  for await (const { seq, transactions } of journal.entries(1)) {
    actors.push([seq, transactions[0]?.actor, transactions[0]?.request]);
  }
  assert.deepEqual(actors, [
    [1, 'ann', 'r'],
    [2, 'bob', undefined],
  ]);
});

it('a closed journal finishes what it has begun and takes nothing more', async () => {
  const journal = await openBank(new MemoryObjectStore());
  const last = journal.transact(just({ kind: 'opened', account: 'a', balance: 1 }), { actor });
  await journal.close();
  assert.equal(await last, null);
  await assert.rejects(journal.transact(move('a', 'b', 1), { actor }), { code: 'cancelled' });
});
