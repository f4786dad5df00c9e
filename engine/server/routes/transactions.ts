// Transactions of users over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requestText } from '../../jobs/changes.ts';
import { deleteTransaction, finishTransaction, startTransaction } from '../../jobs/transactions.ts';
import type { ChangeRequest, TransactionRecord } from '../../journal/requests.ts';
import { commitViewer } from '../commit-viewer.ts';
import { answering, pageOf, param } from '../http.ts';
import { isOwn, ownTransaction } from '../own-transaction.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime } from '../views.ts';
import type { Transaction, TransactionOutcome, TransactionRequest } from '../wire-transactions.ts';

/** Adds the routes of transactions. */
export function transactionRoutes(server: FastifyInstance, { context, pool }: EngineParts): void {
  const answered = answering(context);
  const view = commitViewer(context);

  const { journal } = context;
  const own = (request: FastifyRequest) =>
    ownTransaction(request, journal.state, param(request, 'id'));

  server.post('/transactions', async (request) =>
    viewTransaction(await answered(request, (asked) => startTransaction(context, asked))),
  );

  server.get('/transactions', (request) =>
    pageOf(
      request,
      [...journal.state.transactions.values()].filter((one) => isOwn(request, journal.state, one)),
      {
        keyOf: ({ id }) => id,
        view: viewTransaction,
      },
    ),
  );

  server.get('/transactions/:id', (request) => viewTransaction(own(request)));

  server.post('/transactions/:id/finish', async (request): Promise<TransactionOutcome> => {
    const { id, requests, commits, ended } = await answered(request, (asked) =>
      finishTransaction(context, own(request).id, asked),
    );
    for (const pipeline of ended) {
      await pool.release(pipeline);
    }
    return { id, requests, commits: commits.map((commit) => view(request, commit)) };
  });

  server.delete('/transactions/:id', async (request, reply) => {
    await answered(request, (asked) => deleteTransaction(context, own(request).id, asked));
    return reply.code(204).send();
  });
}

function viewTransaction({ id, started, requests }: TransactionRecord): Transaction {
  return { id, started: isoTime(started), requests: requests.map(viewRequest) };
}

function viewRequest(request: ChangeRequest): TransactionRequest {
  return { kind: request.kind, text: requestText(request) };
}
