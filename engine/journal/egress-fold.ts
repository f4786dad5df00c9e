// The fold of what was sent outside.

import { EngineError } from '../base/errors.ts';
import type { Operation } from './operations.ts';
import { jobKey } from './records.ts';
import type { State } from './state.ts';

/** Folds what a job notes of its egress; `conflict` from anyone who does not hold its claim. */
export function foldEgress(
  state: State,
  operation: Extract<Operation, { kind: 'egress.noted' }>,
): void {
  const { egress, owner } = operation;
  const key = jobKey(egress.pipeline, egress.job);
  if (state.jobs.get(key)?.owner !== owner) {
    throw new EngineError(
      'conflict',
      `Cannot note the egress of job "${key}": it has ended, or another engine runs it now`,
    );
  }
  state.egress.set(egress.pipelineId, egress);
}
