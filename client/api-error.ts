// What an engine refuses, as an error.

import type { Problem } from '../engine/server/wire.ts';

/** A refusal. Its message is the sentence for the user. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  /** As in the problem: `not_found`, `conflict` and so on. */
  readonly code: string;
  /** Of the answer; 0 where the problem came in a stream. */
  readonly status: number;

  constructor(problem: Pick<Problem, 'code' | 'detail' | 'status'>) {
    super(problem.detail);
    this.code = problem.code;
    this.status = problem.status;
  }
}
