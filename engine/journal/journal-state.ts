// What every state kept by the journal has in common: tables under one undo log. It knows no operation.

import { EngineError } from '../base/errors.ts';
import { Table } from './table.ts';
import { UndoLog } from './undo-log.ts';

/**
 * The base of a state. A state declares its tables as fields, `readonly repos = this.table<Repo>('repos')`, and
 * holds nothing beside them: only tables are snapshotted and rolled back.
 */
export class JournalState {
  readonly log = new UndoLog();
  readonly tables = new Map<string, Table<unknown>>();
  /**
   * Keys of history records that were deleted and whose tombstones are not in history yet. The journal moves them
   * there with the next snapshot.
   */
  readonly forgotten = this.table<true>('forgotten');

  /**
   * Deletes the record `historyKey` from history. Call it from `apply` whenever a record that may have been retired
   * is deleted, whether or not it still is in a table: which of both is the case differs between engines.
   */
  forget(historyKey: string): void {
    this.forgotten.set(historyKey, true);
  }

  protected table<V>(name: string): Table<V> {
    if (this.tables.has(name)) {
      throw new EngineError(
        'internal',
        `Cannot add table "${name}" to the state: there is one already`,
      );
    }
    const table = new Table<V>(name, this.log);
    this.tables.set(name, table);
    return table;
  }
}
