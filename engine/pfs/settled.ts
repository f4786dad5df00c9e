// Changes that are prepared with I/O and then decided without: what was read must still be true when it counts.

import { EngineError, isEngineError } from '../base/errors.ts';
import type { RepoKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';

const MOVED = 'moved';

/** Refuses a transaction whose ground has moved since it was prepared; {@link untilSettled} prepares it again. */
export function demand(holds: boolean): void {
  if (!holds) {
    throw new EngineError('conflict', 'Cannot commit: somebody else changed the branch', {
      details: { reason: MOVED },
    });
  }
}

/** What may be remembered of the history of a repo for as long as this stays the same: its commits and their parents. */
export function historyOf(state: State, repo: RepoKey): string {
  const record = state.repos.get(repo);
  return `${record?.id ?? ''} ${record?.reshaped ?? 0}`;
}

/** Refuses as {@link demand} does when commits of the repo were removed since `history` was taken. */
export function demandSameHistory(state: State, repo: RepoKey, history: string): void {
  demand(historyOf(state, repo) === history);
}

/** Returns whether an error is one of {@link demand}. */
export function isMoved(error: unknown): boolean {
  return isEngineError(error, 'conflict') && error.details.reason === MOVED;
}

/** Runs `attempt` again for as long as the ground moves under it. */
export async function untilSettled<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isMoved(error)) {
        throw error;
      }
    }
  }
}
