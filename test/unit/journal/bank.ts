// A toy state for the journal's tests: accounts, transfers between them, and receipts that retire.

import type { Clock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import type { Decision, Definition, RetiredRecord } from '../../../engine/journal/definition.ts';
import { Journal, type JournalOptions } from '../../../engine/journal/journal.ts';
import { JournalState } from '../../../engine/journal/journal-state.ts';
import type { ObjectStore } from '../../../engine/object/object-store.ts';
import { chosenSeed } from '../../support/seed.ts';

/** The accounts of tests that move money about. */
export const ACCOUNTS = ['a', 'b', 'c', 'd'];

export interface Receipt {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly state: 'open' | 'done';
}

export class Bank extends JournalState {
  readonly accounts = this.table<number>('accounts');
  readonly receipts = this.table<Receipt>('receipts').index(
    'state',
    (_key, receipt) => receipt.state,
  );
}

export type BankOperation =
  | { readonly kind: 'opened'; readonly account: string; readonly balance: number }
  | { readonly kind: 'moved'; readonly from: string; readonly to: string; readonly amount: number }
  | { readonly kind: 'receipt'; readonly id: string; readonly receipt: Receipt }
  | { readonly kind: 'shredded'; readonly id: string };

const KINDS = ['opened', 'moved', 'receipt', 'shredded'];

export const bank: Definition<Bank, BankOperation> = {
  empty: () => new Bank(),
  knows: (operation): operation is BankOperation =>
    KINDS.includes((operation as BankOperation).kind),
  apply(state, operation) {
    switch (operation.kind) {
      case 'opened':
        if (state.accounts.has(operation.account)) {
          throw new EngineError('already_exists', `Cannot open "${operation.account}": it exists`);
        }
        state.accounts.set(operation.account, operation.balance);
        break;
      case 'moved': {
        const { from, to, amount } = operation;
        state.accounts.set(from, (state.accounts.get(from) ?? 0) - amount);
        state.accounts.set(to, (state.accounts.get(to) ?? 0) + amount);
        break;
      }
      case 'receipt':
        state.receipts.set(operation.id, operation.receipt);
        break;
      case 'shredded':
        state.receipts.delete(operation.id);
        state.forget(`receipt/${operation.id}`);
        break;
    }
  },
  *retire(state): Iterable<RetiredRecord> {
    for (const id of state.receipts.keysBy('state', 'done')) {
      const value = state.receipts.get(id);
      yield { key: `receipt/${id}`, value, drop: [{ table: 'receipts', key: id }] };
    }
  },
};

/** A transaction that moves money, refused when there is too little. */
export function move(from: string, to: string, amount: number) {
  return (state: Bank): Decision<BankOperation, number> => {
    const balance = state.accounts.get(from) ?? 0;
    if (balance < amount) {
      throw new EngineError(
        'failed_precondition',
        `Cannot move ${amount} from "${from}": it has ${balance}`,
      );
    }
    return { operations: [{ kind: 'moved', from, to, amount }], result: balance - amount };
  };
}

/** A transaction of fixed operations. */
export function just(...operations: BankOperation[]) {
  return (): Decision<BankOperation, null> => ({ operations, result: null });
}

export function receipt(id: number | string, state: Receipt['state'] = 'done'): BankOperation {
  const text = typeof id === 'number' ? receiptId(id) : id;
  return {
    kind: 'receipt',
    id: text,
    receipt: { from: 'a', to: 'b', amount: Number(id) || 0, state },
  };
}

export function receiptId(n: number): string {
  return String(n).padStart(8, '0');
}

/** Everything a state holds, in order: equal for equal states. */
export function dump(state: JournalState): unknown {
  return [...state.tables].map(([name, table]) => [name, [...table.entries()]]);
}

let opened = 0;

export function openBank(
  store: ObjectStore,
  options: Partial<JournalOptions<Bank, BankOperation>> & { clock?: Clock } = {},
): Promise<Journal<Bank, BankOperation>> {
  opened += 1;
  return Journal.open({
    store,
    definition: bank,
    clock: new SystemClock(),
    random: new SeededRandom(opened * 7919 + process.pid),
    engine: `engine-${opened}`,
    onProblem: (error) => {
      throw error;
    },
    ...options,
  });
}

/** The seed of a random test: from the environment to repeat a run, else new. Printed with the test. */
export function testSeed(report: (message: string) => void): number {
  const seed = chosenSeed();
  report(`PFS_SEED=${seed}`);
  return seed;
}
