// Composing a transaction out of steps that see one another's effects.

import { apply } from './apply.ts';
import type { Operation } from './operations.ts';
import type { State } from './state.ts';

/** Operations being gathered, with the state as it will be after them. */
export interface Draft {
  readonly state: State;
  /** Adds operations and shows their effect in `state` at once. */
  add(...operations: readonly Operation[]): void;
}

/**
 * Runs `build`, which gathers operations and sees the effect of each, then leaves the state as it was. Use inside
 * `Journal.transact`: what is composed here is applied again, for good, once the entry is durable.
 */
export function compose<T>(
  state: State,
  build: (draft: Draft) => T,
): { operations: Operation[]; result: T } {
  const operations: Operation[] = [];
  const mark = state.log.mark();
  const add = (...added: readonly Operation[]) => {
    for (const operation of added) {
      state.log.unsealed(() => apply(state, operation));
      operations.push(operation);
    }
  };
  try {
    return { result: build({ state, add }), operations };
  } finally {
    state.log.rollback(mark);
  }
}
