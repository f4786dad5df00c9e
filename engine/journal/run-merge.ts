// Merges runs: the newest row of each key wins. Pages that meet no other run's keys are taken over unread.

import type { IdMaker } from '../base/ids.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PAGE_BYTES, type RunRecord, RunWriter } from './history-run.ts';
import { isDeleteRow } from './page.ts';
import type { PageCache } from './page-cache.ts';
import { RunCursor, type Span } from './run-cursor.ts';

const EVERYTHING: Span = { low: '', high: undefined, reverse: false };
/** How many rows to merge before letting the event loop turn. */
const SLICE = 2000;

/** A row of a merge. */
export interface MergedRow {
  readonly key: string;
  readonly row: string;
}

/**
 * Yields the newest row of each key in the cursors' span, in order, deletions included. `cursors` are newest first
 * and all go the same way.
 */
export async function* mergeRows(
  cursors: readonly RunCursor[],
  options: { readonly reverse: boolean },
): AsyncIterable<MergedRow> {
  for (;;) {
    const best = await settledFirst(cursors, options.reverse);
    if (!best) {
      return;
    }
    yield best;
    advance(cursors, best.key);
  }
}

/**
 * Merges `runs`, newest first, into one of the given level; undefined when nothing is left. `isOldest`: no older run
 * exists, so that deletions have nothing left to delete and go too.
 */
export async function mergeRuns(
  runs: readonly RunRecord[],
  options: {
    readonly store: ObjectStore;
    readonly cache: PageCache;
    readonly ids: IdMaker;
    readonly level: number;
    readonly isOldest: boolean;
  },
): Promise<RunRecord | undefined> {
  const { store, cache, ids, level, isOldest } = options;
  const cursors = await openCursors(cache, { runs, span: EVERYTHING, isCached: false });
  const writer = new RunWriter(store, ids);
  for (let rows = 0; ; rows++) {
    if (rows % SLICE === SLICE - 1) {
      await new Promise(setImmediate);
    }
    const alone = loneCursor(cursors);
    const page = alone?.unreadPage;
    if (alone && page && page.bytes >= PAGE_BYTES / 2 && !(isOldest && page.deletes > 0)) {
      await writer.addPage(page);
      alone.skipPage();
      continue;
    }
    const best = await settledFirst(cursors, false);
    if (!best) {
      return await writer.finish(level);
    }
    advance(cursors, best.key);
    const isDelete = isDeleteRow(best.row);
    if (!(isOldest && isDelete)) {
      await writer.add(best.key, { text: best.row, isDelete });
    }
  }
}

/** Opens a cursor on each of `runs`, in their order. */
export function openCursors(
  cache: PageCache,
  options: { readonly runs: readonly RunRecord[]; readonly span: Span; readonly isCached: boolean },
): Promise<RunCursor[]> {
  const { runs, span, isCached } = options;
  return Promise.all(runs.map((run) => RunCursor.open(cache, { run, span, isCached })));
}

/** Returns the first row of all cursors, after reading every page that might hold it or an older row of its key. */
async function settledFirst(
  cursors: readonly RunCursor[],
  reverse: boolean,
): Promise<MergedRow | undefined> {
  for (;;) {
    const first = firstKey(cursors, reverse);
    if (first === undefined) {
      return undefined;
    }
    const unread = cursors.filter((cursor) => cursor.key === first && cursor.unreadPage);
    if (unread.length === 0) {
      const newest = cursors.find((cursor) => cursor.key === first);
      return { key: first, row: newest?.row ?? '' };
    }
    await Promise.all(unread.map((cursor) => cursor.read()));
  }
}

function firstKey(cursors: readonly RunCursor[], reverse: boolean): string | undefined {
  let first: string | undefined;
  for (const { key } of cursors) {
    if (key !== undefined && (first === undefined || (reverse ? key > first : key < first))) {
      first = key;
    }
  }
  return first;
}

function advance(cursors: readonly RunCursor[], key: string): void {
  for (const cursor of cursors) {
    if (cursor.key === key && !cursor.unreadPage) {
      cursor.next();
    }
  }
}

/** Returns the cursor whose next page ends before all other cursors begin, if there is one. */
function loneCursor(cursors: readonly RunCursor[]): RunCursor | undefined {
  const first = firstKey(cursors, false);
  const lone = cursors.find((cursor) => cursor.key === first);
  const end = lone?.unreadPage?.last;
  if (end === undefined) {
    return undefined;
  }
  const meets = cursors.some(
    (cursor) => cursor !== lone && cursor.key !== undefined && cursor.key <= end,
  );
  return meets ? undefined : lone;
}
