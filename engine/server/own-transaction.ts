// Whose a transaction is: that of who started it, and an admin's.

import type { FastifyRequest } from 'fastify';
import { EngineError } from '../base/errors.ts';
import { resolveTransaction } from '../jobs/transactions.ts';
import type { TransactionRecord } from '../journal/requests.ts';
import type { State } from '../journal/state.ts';
import { askerOf, isAskedByAdmin } from './identity.ts';

/** Returns whether the sender of a request may see and change a transaction. */
export function isOwn(
  request: FastifyRequest,
  state: State,
  { actor }: TransactionRecord,
): boolean {
  return actor === askerOf(request).actor || isAskedByAdmin(request, state);
}

/** Returns an open transaction; rejects with `permission_denied` who did not start it and is no admin. */
export function ownTransaction(
  request: FastifyRequest,
  state: State,
  id: string,
): TransactionRecord {
  const transaction = resolveTransaction(state, id);
  if (!isOwn(request, state, transaction)) {
    throw new EngineError(
      'permission_denied',
      `Cannot use transaction ${id}: user ${transaction.actor} started it`,
    );
  }
  return transaction;
}
