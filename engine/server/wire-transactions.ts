// What travels about transactions of users; as `wire.ts`, which says what holds for all routes.
//
//  POST   /transactions                                       → Transaction          (starts one)
//  GET    /transactions?after=&limit=                         → Page<Transaction>    (the open ones)
//  GET    /transactions/{id}                                  → Transaction
//  POST   /transactions/{id}/finish                           → TransactionOutcome   (all of it, or nothing)
//  DELETE /transactions/{id}                                  → 204                  (nothing of it is done)
//
// These take the header `Pfs-Transaction: <id>`: the request is tried out on the state and on what the transaction holds
// already, is added to it, and is answered with what it gave in the trial.
//  repos: POST, PATCH, DELETE; branches: PUT, DELETE, merge; tags: PUT, DELETE; commits: POST, finish, revert;
//  commit-sets: DELETE, squash; pipelines: POST, DELETE, start, stop, tick; jobs: stop
// Any other write with that header is refused. All commits that a transaction starts have its id, and cause commits
// downstream as one.

import type { Commit } from './wire.ts';

/** Request header that names the transaction to add to. */
export const TRANSACTION_HEADER = 'pfs-transaction';

export interface Transaction {
  readonly id: string;
  readonly started: string;
  readonly requests: readonly TransactionRequest[];
}

export interface TransactionRequest {
  /** `repo.create`, `commit.start`, … */
  readonly kind: string;
  /** As one would type it. */
  readonly text: string;
}

export interface TransactionOutcome {
  readonly id: string;
  readonly requests: readonly TransactionRequest[];
  /** The commits of users that it started or finished. */
  readonly commits: readonly Commit[];
}
