// Transactions of users: requests that are gathered over time and carried out together, or not at all. An open one is a
// list of requests in the state; nothing else knows of it before it finishes.

import { type Asker, LOCAL } from '../auth/asker.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { CommitRecord, PipelineKey } from '../journal/records.ts';
import type { ChangeRequest, TransactionRecord } from '../journal/requests.ts';
import type { State } from '../journal/state.ts';
import { type Change, decideOn, gather, makeChange } from '../pfs/change.ts';
import { type PfsContext, type Request, transactOptions } from '../pfs/context.ts';
import { Facts, MissingFact } from '../pfs/facts.ts';
import { decideRequest, type ResultOf, requestText } from './changes.ts';

const MAX_REQUESTS = 1000;
/** Specs are the only requests of any size; all of a transaction become one entry of the journal. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Starts a transaction. */
export async function startTransaction(
  context: PfsContext,
  request: Request,
): Promise<TransactionRecord> {
  const transaction: TransactionRecord = {
    id: context.ids.next(),
    actor: request.actor,
    user: request.user ?? null,
    started: context.clock.now(),
    requests: [],
  };
  return await context.journal.transact(
    () => ({ operations: [{ kind: 'transaction.started', transaction }], result: transaction }),
    transactOptions(request),
  );
}

/** Returns an open transaction; `not_found` when there is none of that id. */
export function resolveTransaction(state: State, id: string): TransactionRecord {
  const transaction = state.transactions.get(id);
  if (transaction === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find transaction ${id}: it was finished or deleted, or never was; pfs list-transaction shows those that are open, pfs stop-transaction leaves the active one`,
    );
  }
  return transaction;
}

/** Returns who started a transaction: whoever adds to it or finishes it, its changes are made with their rights and for them. */
export function starterOf({ actor, user }: TransactionRecord): Asker {
  // Older versions named no user: of all actors only this one is none.
  const of = user === undefined && actor === LOCAL ? null : user;
  return of === null ? { actor } : { actor, user: of ?? '' };
}

/** As {@link starterOf}; rejects with `failed_precondition` where that is not known. */
function knownStarter(transaction: TransactionRecord): Asker {
  const starter = starterOf(transaction);
  if (starter.user === '') {
    throw new EngineError(
      'failed_precondition',
      `Cannot use transaction ${transaction.id}: an older version started it, and did not say for which user; delete it with pfs delete-transaction, and start another`,
    );
  }
  return starter;
}

/**
 * Adds a request to a transaction, once a trial of all its requests and this one has succeeded on the state as it is.
 * Resolves with what the request gives there. Rejects, with nothing added, as the request itself would.
 */
export async function addRequest<R extends ChangeRequest>(
  context: PfsContext,
  addition: { readonly transaction: string; readonly request: R },
  asked: Request,
): Promise<ResultOf<R>> {
  const { transaction: id, request } = addition;
  const facts = new Facts(context, { trial: true });
  const time = context.clock.now();
  const run = (state: State) => {
    const transaction = resolveTransaction(state, id);
    const { requests } = transaction;
    checkRoom(id, [...requests, request]);
    const asker = knownStarter(transaction);
    const trial = decideOn(state, { context, facts, set: id, time, asker }, (change) => {
      decideAll(change, requests, (why) => `Cannot add to transaction ${id}: ${why}`);
      return decideRequest(change, request);
    });
    return {
      operations: [
        { kind: 'transaction.appended' as const, transaction: id, index: requests.length, request },
      ],
      result: trial.result,
    };
  };
  try {
    for (;;) {
      try {
        return await context.journal.transact(run, transactOptions(asked));
      } catch (error) {
        if (!(error instanceof MissingFact)) {
          throw error;
        }
        await gather(facts, { first: error, run: () => void run(context.journal.state) });
      }
    }
  } finally {
    facts.close();
  }
}

/** What a transaction has done. */
export interface FinishedTransaction {
  readonly id: string;
  readonly requests: readonly { readonly kind: string; readonly text: string }[];
  /** Those that it started or finished for users. */
  readonly commits: readonly CommitRecord[];
  /** Those that it stopped or deleted. */
  readonly ended: readonly PipelineKey[];
}

/**
 * Carries out all requests of a transaction, in one transaction of the journal. Rejects, with nothing changed and the
 * transaction still open, when one of them does not fit the state any more; the message says which, and why.
 */
export async function finishTransaction(
  context: PfsContext,
  id: string,
  asked: Request,
): Promise<FinishedTransaction> {
  return await makeChange(
    context,
    asked,
    (change): FinishedTransaction => {
      const { requests } = resolveTransaction(change.state, id);
      const results = decideAll(
        change,
        requests,
        (why) => `Cannot finish transaction ${id}: ${why}; nothing was changed`,
      );
      change.add({ kind: 'transaction.ended', transaction: id });
      return {
        id,
        requests: requests.map((request) => ({
          kind: request.kind,
          text: requestText(request),
        })),
        commits: commitsAmong(requests, results),
        ended: requests.flatMap((request) =>
          request.kind === 'pipeline.stop' || request.kind === 'pipeline.delete'
            ? [request.pipeline]
            : [],
        ),
      };
    },
    { set: id, asker: (state) => knownStarter(resolveTransaction(state, id)) },
  );
}

/** Discards a transaction: nothing it was asked to do is done. */
export async function deleteTransaction(
  context: PfsContext,
  id: string,
  asked: Request,
): Promise<void> {
  await context.journal.transact((state) => {
    resolveTransaction(state, id);
    return { operations: [{ kind: 'transaction.ended', transaction: id }], result: null };
  }, transactOptions(asked));
}

function decideAll(
  change: Change,
  requests: readonly ChangeRequest[],
  message: (why: string) => string,
): unknown[] {
  return requests.map((request, i) => {
    try {
      return decideRequest(change, request);
    } catch (error) {
      if (!isEngineError(error)) {
        throw error;
      }
      const which = `request ${i + 1} of ${requests.length} (${requestText(request)})`;
      throw within(error, message(`${which} does not fit any more: ${error.message}`));
    }
  });
}

function within(cause: EngineError, message: string): EngineError {
  const { code, details } = cause;
  return new EngineError(code, message, { cause, details });
}

function checkRoom(id: string, requests: readonly ChangeRequest[]): void {
  const bytes = JSON.stringify(requests).length;
  if (requests.length > MAX_REQUESTS || bytes > MAX_BYTES) {
    throw new EngineError(
      'resource_exhausted',
      `Cannot add to transaction ${id}: it holds at most ${MAX_REQUESTS} requests of ${MAX_BYTES} bytes together; finish it, and start another one`,
    );
  }
}

/** A commit that was started and finished counts once, as it is at the end. */
function commitsAmong(
  requests: readonly ChangeRequest[],
  results: readonly unknown[],
): CommitRecord[] {
  const commits = new Map<string, CommitRecord>();
  requests.forEach(({ kind }, i) => {
    if (kind === 'commit.start' || kind === 'commit.finish') {
      const commit = results[i] as CommitRecord;
      commits.set(`${commit.repo}@${commit.id}`, commit);
    }
  });
  return [...commits.values()];
}
