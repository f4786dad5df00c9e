// Remembers what recent requests were answered, so that a retry gets the first answer and changes nothing.

import type { EntryInfo } from './definition.ts';
import { Table } from './table.ts';
import type { UndoLog } from './undo-log.ts';

/** How many answered requests the journal remembers. Part of the fold: the same for every engine. */
export const MAX_REQUESTS = 10_000;
/** How long, by the times of entries, it remembers them, in milliseconds. Part of the fold. */
export const MAX_REQUEST_AGE = 24 * 60 * 60 * 1000;

/** An answered request: its id, the time of its entry in milliseconds, and its result. */
export interface RequestRecord {
  readonly id: string;
  readonly time: number;
  readonly result?: unknown;
}

/** The recent requests as a table in the order of the log, kept by the journal beside the tables of the state. */
export class RecentRequests {
  readonly table: Table<RequestRecord>;

  constructor(log: UndoLog) {
    this.table = new Table<RequestRecord>('journal.requests', log);
    this.table.index('id', (_key, record) => record.id);
  }

  /** Returns the answer to the request `id`, or undefined when it is not known (any more). */
  find(id: string): RequestRecord | undefined {
    for (const key of this.table.keysBy('id', id)) {
      return this.table.get(key);
    }
    return undefined;
  }

  /** Notes an answer and lets go of answers that are too many or too old by the time of this entry. */
  add(
    record: { readonly id: string; readonly result?: unknown },
    entry: EntryInfo & { index: number },
  ): void {
    const key = `${String(entry.seq).padStart(16, '0')}.${String(entry.index).padStart(6, '0')}`;
    const { id, result } = record;
    this.table.set(key, { id, time: entry.time, ...(result === undefined ? {} : { result }) });
    for (let first = this.table.firstKey(); first !== undefined; first = this.table.firstKey()) {
      const age = entry.time - (this.table.get(first)?.time ?? 0);
      if (first === key || (this.table.size <= MAX_REQUESTS && age <= MAX_REQUEST_AGE)) {
        return;
      }
      this.table.delete(first);
    }
  }
}
