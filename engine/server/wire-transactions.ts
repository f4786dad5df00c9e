// The schemas of transactions of users.

import { Type } from '@sinclair/typebox';
import { Commit } from './wire-commits.ts';
import { named, type Wire } from './wire-schema.ts';

export const TransactionRequest = named(
  'TransactionRequest',
  Type.Object({
    kind: Type.String({ description: '`repo.create`, `commit.start`, …' }),
    text: Type.String({ description: 'As one would type it.' }),
  }),
);
export type TransactionRequest = Wire<typeof TransactionRequest>;

export const Transaction = named(
  'Transaction',
  Type.Object({
    id: Type.String(),
    started: Type.String(),
    requests: Type.Array(TransactionRequest),
  }),
);
export type Transaction = Wire<typeof Transaction>;

export const TransactionOutcome = named(
  'TransactionOutcome',
  Type.Object({
    id: Type.String(),
    requests: Type.Array(TransactionRequest),
    commits: Type.Array(Commit, {
      description: 'The commits of users that it started or finished.',
    }),
  }),
);
export type TransactionOutcome = Wire<typeof TransactionOutcome>;
