// Whose a transaction is: that of who started it, not of another of that name. Admins may use all.

import type { FastifyRequest } from 'fastify';
import { EngineError } from '../base/errors.ts';
import { resolveTransaction, starterOf } from '../jobs/transactions.ts';
import type { TransactionRecord } from '../journal/requests.ts';
import type { State } from '../journal/state.ts';
import { askerOf, isAskedByAdmin } from './identity.ts';

/** Returns whether the sender of a request may see and change a transaction. */
export function isOwn(
  request: FastifyRequest,
  state: State,
  transaction: TransactionRecord,
): boolean {
  const [asker, starter] = [askerOf(request), starterOf(transaction)];
  const isStarter = asker.actor === starter.actor && asker.user === starter.user;
  return isStarter || isAskedByAdmin(request, state);
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
      `Cannot use transaction ${id}: another user started it, under the name ${transaction.actor}`,
    );
  }
  return transaction;
}
