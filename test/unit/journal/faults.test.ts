import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import type { Journal } from '../../../engine/journal/journal.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { Bank, BankOperation } from './bank.ts';
import { ACCOUNTS, just, move, openBank, receipt, testSeed } from './bank.ts';
import { FastClock, TestStore } from './test-stores.ts';

type BankJournal = Journal<Bank, BankOperation>;

const TOTAL = 400;

/** One engine that crashes now and then, whatever it is doing, and opens again. */
class CrashingEngine {
  readonly #store: TestStore;
  readonly #random: SeededRandom;
  #journal: Promise<BankJournal> | undefined;

  constructor(store: TestStore, random: SeededRandom) {
    this.#store = store;
    this.#random = random;
  }

  /** Retries with one request id until there is an answer, across crashes. */
  async certainly(requestId: string, run: (state: Bank) => ReturnType<ReturnType<typeof move>>) {
    for (;;) {
      if (this.#random.fraction() < 0.02) {
        // The old journal lives on unseen, as a delayed writer would.
        this.#journal = undefined;
      }
      try {
        this.#journal ??= openBank(this.#store, {
          clock: new FastClock(),
          patienceMs: 200,
          snapshots: { entries: 20 },
          onProblem: () => undefined,
        });
        const journal = await this.#journal;
        const answer = journal.transact(run, { actor: 'x', requestId });
        if (this.#random.fraction() < 0.05) {
          answer.catch(() => undefined);
          continue;
        }
        return await answer;
      } catch (error) {
        if (isEngineError(error, 'failed_precondition')) {
          return undefined;
        }
        if (!isEngineError(error, 'unavailable')) {
          throw error;
        }
        const journal = await this.#journal?.catch(() => undefined);
        this.#journal = journal && !journal.failure ? this.#journal : undefined;
      }
    }
  }
}

for (let round = 0; round < 8; round++) {
  it(`money is conserved by engines that crash on a store that fails (${round})`, async (t) => {
    const seed = testSeed((text) => t.diagnostic(text)) + round;
    const random = new SeededRandom(seed);
    const bucket = new MemoryObjectStore();
    const first = await openBank(bucket);
    for (const account of ACCOUNTS) {
      const open = just({ kind: 'opened', account, balance: TOTAL / ACCOUNTS.length });
      await first.transact(open, { actor: 'x' });
    }
    const done = new Map<string, number>();
    const workers = Array.from({ length: 6 }, async (_, worker) => {
      const store = new TestStore(bucket, random);
      store.faults = { before: 0.05, lost: 0.1 };
      const engine = new CrashingEngine(store, random);
      for (let i = 0; i < 40; i++) {
        const pick = () => ACCOUNTS[Math.floor(random.fraction() * ACCOUNTS.length)] ?? 'a';
        const id = `${worker}-${String(i).padStart(4, '0')}`;
        const amount = Math.floor(random.fraction() * 30);
        const transfer = move(pick(), pick(), amount);
        const answer = await engine.certainly(id, (state) => {
          const { operations, result } = transfer(state);
          return { operations: [...operations, receipt(id)], result };
        });
        if (answer !== undefined) {
          done.set(id, answer);
        }
      }
    });
    await Promise.all(workers);

    const last = await openBank(bucket);
    const replayed = await openBank(hideSnapshots(bucket));
    assert.equal(
      [...last.state.accounts.values()].reduce((a, b) => a + b),
      TOTAL,
    );
    assert.deepEqual([...last.state.accounts.entries()], [...replayed.state.accounts.entries()]);
    const committed: string[] = [];
    for await (const entry of last.entries(1)) {
      committed.push(...entry.transactions.flatMap(({ request }) => (request ? [request] : [])));
    }
    assert.deepEqual(committed.sort(), [...done.keys()].sort(), 'each answer once in the log');
    const receipts = new Set<string>();
    for await (const { key } of last.history.scan({ prefix: 'receipt/' })) {
      receipts.add(key.slice('receipt/'.length));
    }
    for (const key of last.state.receipts.keys()) {
      receipts.add(key);
    }
    assert.deepEqual([...receipts].sort(), [...done.keys()].sort(), 'no receipt lost on its way');
    assert.equal(replayed.state.receipts.size, done.size);
  });
}

function hideSnapshots(bucket: MemoryObjectStore): TestStore {
  const store = new TestStore(bucket);
  store.list = (prefix, options) =>
    prefix.startsWith('journal/') ? bucket.list(prefix, options) : none();
  return store;
}

async function* none() {}
