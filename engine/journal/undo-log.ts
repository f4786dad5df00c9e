// Remembers what a speculative change replaced, so that it can be taken back in place.

import { EngineError } from '../base/errors.ts';

/** What an {@link UndoLog} can put back: a map of keys to values. */
export interface Undoable {
  /** Puts `before` back under `key`, or removes the key where `before` is undefined. Records nothing. */
  restore(key: string, before: unknown): void;
}

interface Change {
  readonly target: Undoable;
  readonly key: string;
  readonly before: unknown;
}

/**
 * The changes of all tables of one state since the last {@link UndoLog.commit}, oldest first. Taking changes back
 * costs what was changed, not what is stored.
 */
export class UndoLog {
  readonly #changes: Change[] = [];
  #sealed = false;

  /** Returns a place in the log for {@link UndoLog.rollback}. */
  mark(): number {
    return this.#changes.length;
  }

  /** Notes that `key` of `target` held `before` (undefined: nothing). Rejects with `internal` while sealed. */
  record(target: Undoable, change: { readonly key: string; readonly before: unknown }): void {
    if (this.#sealed) {
      throw new EngineError(
        'internal',
        `Cannot change "${change.key}" of the state: only applying an operation may change it`,
      );
    }
    this.#changes.push({ target, key: change.key, before: change.before });
  }

  /** Takes back every change since `mark`, newest first. */
  rollback(mark: number): void {
    while (this.#changes.length > mark) {
      const change = this.#changes.pop();
      change?.target.restore(change.key, change.before);
    }
  }

  /** Makes every change so far permanent. */
  commit(): void {
    this.#changes.length = 0;
  }

  /** Refuses changes from here on, but for those within {@link UndoLog.unsealed}. */
  seal(): void {
    this.#sealed = true;
  }

  /** Runs `change` with the tables open for writing. */
  unsealed(change: () => void): void {
    const before = this.#sealed;
    this.#sealed = false;
    try {
      change();
    } finally {
      this.#sealed = before;
    }
  }
}
