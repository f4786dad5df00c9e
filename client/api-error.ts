// What an engine refuses, or why it does not answer, as an error.

import type { Problem } from '../engine/server/wire.ts';

/** Why a request failed. Its message is the sentence for the user. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  /** As in the problem: `not_found`, `conflict` and so on. */
  readonly code: string;
  /** Of the answer; 0 where the engine did not answer. */
  readonly status: number;

  constructor(problem: Pick<Problem, 'code' | 'detail' | 'status'>, options?: ErrorOptions) {
    super(problem.detail, options);
    this.code = problem.code;
    this.status = problem.status;
  }
}
