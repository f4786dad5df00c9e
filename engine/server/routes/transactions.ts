// Transactions of users over HTTP.

import type { FastifyInstance } from 'fastify';
import { requestText } from '../../jobs/changes.ts';
import {
  deleteTransaction,
  finishTransaction,
  resolveTransaction,
  startTransaction,
} from '../../jobs/transactions.ts';
import type { ChangeRequest, TransactionRecord } from '../../journal/requests.ts';
import { answering, pageOf, param } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime, viewCommit } from '../views.ts';
import type { Transaction, TransactionOutcome, TransactionRequest } from '../wire-transactions.ts';

/** Adds the routes of transactions. */
export function transactionRoutes(server: FastifyInstance, { context, pool }: EngineParts): void {
  const answered = answering(context);

  server.post('/transactions', async (request) =>
    viewTransaction(await answered(request, (asked) => startTransaction(context, asked))),
  );

  server.get('/transactions', (request) =>
    pageOf(request, [...context.journal.state.transactions.values()], {
      keyOf: ({ id }) => id,
      view: viewTransaction,
    }),
  );

  server.get('/transactions/:id', (request) =>
    viewTransaction(resolveTransaction(context.journal.state, param(request, 'id'))),
  );

  server.post('/transactions/:id/finish', async (request): Promise<TransactionOutcome> => {
    const { id, requests, commits, ended } = await answered(request, (asked) =>
      finishTransaction(context, param(request, 'id'), asked),
    );
    for (const pipeline of ended) {
      await pool.release(pipeline);
    }
    return { id, requests, commits: commits.map((commit) => viewCommit(context, commit)) };
  });

  server.delete('/transactions/:id', async (request, reply) => {
    await answered(request, (asked) => deleteTransaction(context, param(request, 'id'), asked));
    return reply.code(204).send();
  });
}

function viewTransaction({ id, started, requests }: TransactionRecord): Transaction {
  return { id, started: isoTime(started), requests: requests.map(viewRequest) };
}

function viewRequest(request: ChangeRequest): TransactionRequest {
  return { kind: request.kind, text: requestText(request) };
}
