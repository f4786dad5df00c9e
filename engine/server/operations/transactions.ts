// The operations of transactions.

import { page } from '../wire-schema.ts';
import { Transaction, TransactionOutcome } from '../wire-transactions.ts';
import { operations, PAGED, query } from './operation.ts';

export const TRANSACTION_OPERATIONS = operations({
  'POST /transactions': {
    id: 'startTransaction',
    tag: 'transactions',
    summary: 'Starts a transaction, which writes are then added to.',
    description:
      'A write with the header `Pfs-Transaction` is tried out on the state and on what the transaction holds, is added to it, and is answered with what it gave in the trial. All commits that a transaction starts have its id, and cause commits downstream as one.',
    answer: Transaction,
    example: {},
  },
  'GET /transactions': {
    id: 'listTransactions',
    tag: 'transactions',
    summary: 'Lists the open transactions.',
    query: query(PAGED),
    answer: page(Transaction),
    example: {},
  },
  'GET /transactions/{id}': {
    id: 'getTransaction',
    tag: 'transactions',
    summary: 'Returns an open transaction.',
    answer: Transaction,
    example: { params: { id: 'the open transaction' } },
  },
  'POST /transactions/{id}/finish': {
    id: 'finishTransaction',
    tag: 'transactions',
    summary: 'Does all of a transaction, or nothing.',
    answer: TransactionOutcome,
    example: { params: { id: 'the open transaction' } },
  },
  'DELETE /transactions/{id}': {
    id: 'deleteTransaction',
    tag: 'transactions',
    summary: 'Gives a transaction up: nothing of it is done.',
    status: 204,
    example: { params: { id: 'the open transaction' } },
  },
});
