// How routes make changes: at once, or, where the request names a transaction, as one of its requests.

import type { FastifyRequest } from 'fastify';
import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { makeRequested, type ResultOf } from '../jobs/changes.ts';
import { addRequest } from '../jobs/transactions.ts';
import type { ChangeRequest } from '../journal/requests.ts';
import type { PfsContext } from '../pfs/context.ts';
import { answering } from './http.ts';
import { TRANSACTION_HEADER } from './wire-transactions.ts';

/** Returns the way to make a change that transactions may hold. */
export function changing(
  context: PfsContext,
): <R extends ChangeRequest>(request: FastifyRequest, change: R) => Promise<ResultOf<R>> {
  const answered = answering(context);
  return (request, change) => {
    const transaction = transactionOf(request);
    return answered(request, (asked) =>
      transaction === undefined
        ? makeRequested(context, change, asked)
        : addRequest(context, { transaction, request: change }, asked),
    );
  };
}

/** Returns the id of the transaction that a request is to be added to, or undefined. */
export function transactionOf(request: FastifyRequest): string | undefined {
  const id = request.headers[TRANSACTION_HEADER];
  if (id !== undefined && (typeof id !== 'string' || !isId(id))) {
    throw new EngineError(
      'invalid',
      'Cannot read the request: Pfs-Transaction must be the id of a transaction',
    );
  }
  return id;
}
