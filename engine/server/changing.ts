// How routes make changes: at once, or, where the request names a transaction, as one of its requests.

import type { FastifyRequest } from 'fastify';
import { makeRequested, type ResultOf } from '../jobs/changes.ts';
import { addRequest } from '../jobs/transactions.ts';
import type { ChangeRequest } from '../journal/requests.ts';
import type { PfsContext } from '../pfs/context.ts';
import { answerRequest, transactionOf } from './http.ts';
import { ownTransaction } from './own-transaction.ts';

/** Returns the way to make a change that transactions may hold. */
export function changing(
  context: PfsContext,
): <R extends ChangeRequest>(request: FastifyRequest, change: R) => Promise<ResultOf<R>> {
  return (request, change) => {
    const transaction = transactionOf(request);
    return answerRequest(context, request, (asked) => {
      if (transaction === undefined) {
        return makeRequested(context, change, asked);
      }
      ownTransaction(request, context.journal.state, transaction);
      return addRequest(context, { transaction, request: change }, asked);
    });
  };
}
