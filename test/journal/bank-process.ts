// One engine in a process of its own: opens the bank on a shared store and makes transfers, four at a time. Each line
// of its output is one answer it got.

import { SeededRandom, SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { Journal } from '../../engine/journal/journal.ts';
import { RetryingObjectStore } from '../../engine/object/retrying.ts';
import { openDescribed, type StoreDescription } from '../support/race.ts';
import { ACCOUNTS, type Bank, bank, move, receipt } from '../unit/journal/bank.ts';

/** What the process is told, as JSON. */
export interface BankTask {
  readonly description: StoreDescription;
  readonly name: string;
  readonly transactions: number;
  readonly seed: number;
}

/** One line of output. */
export interface BankAnswer {
  readonly id: string;
  readonly result: number;
}

await run(JSON.parse(process.argv[2] ?? ''));

async function run({ description, name, transactions, seed }: BankTask): Promise<void> {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const store = new RetryingObjectStore(await openDescribed(description), { clock, random });
  const journal = await Journal.open({
    store,
    definition: bank,
    clock,
    random,
    engine: name,
    snapshots: { entries: 50 },
    onProblem: (error) => {
      throw error;
    },
  });
  journal.follow({ intervalMs: 20 });
  const transfer = async (i: number) => {
    const id = `${name}-${String(i).padStart(5, '0')}`;
    const chance = new SeededRandom(seed + i);
    const pick = () => ACCOUNTS[Math.floor(chance.fraction() * ACCOUNTS.length)] ?? 'a';
    const [from, to] = [pick(), pick()];
    const result = await journal.transact(
      (state: Bank) => {
        const amount = Math.min(state.accounts.get(from) ?? 0, 5);
        const { operations } = move(from, to, amount)(state);
        const counter = move('mint', `count-${name}`, 1)(state);
        const count = (state.accounts.get(`count-${name}`) ?? 0) + 1;
        return { operations: [...operations, ...counter.operations, receipt(id)], result: count };
      },
      { actor: name, requestId: id },
    );
    const answer: BankAnswer = { id, result };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  };
  const rest = Array.from({ length: transactions }, (_, i) => i).values();
  const work = async () => {
    for (const i of rest) {
      await transfer(i);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  await journal.close();
}
