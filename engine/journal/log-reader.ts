// Reads the log by number. It folds nothing.

import { EngineError, isEngineError } from '../base/errors.ts';
import { JOURNAL_PREFIX, journalKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { Entry } from './definition.ts';
import { decodeEntry } from './entry.ts';

const MAX_WINDOW = 64;
/** About how many bytes of entries to hold at once. */
const MAX_AHEAD_BYTES = 32 * 1024 * 1024;

/** An entry and the size of its object in bytes. */
export interface ReadEntry {
  readonly entry: Entry;
  readonly bytes: number;
}

/** Returns entry `seq`, or undefined when it is not written yet. A damaged one is `corrupt`. */
export async function readEntry(store: ObjectStore, seq: number): Promise<ReadEntry | undefined> {
  const key = journalKey(seq);
  try {
    const bytes = await store.get(key);
    try {
      return { entry: decodeEntry(bytes, { seq, key }), bytes: bytes.length };
    } catch {
      // Damaged on its way, perhaps.
      const again = await store.get(key);
      return { entry: decodeEntry(again, { seq, key }), bytes: again.length };
    }
  } catch (error) {
    if (isEngineError(error, 'not_found')) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Yields the entries from `from` to the newest, in order. Reads one key at first and more and more of them at once
 * while they are there. An entry that is absent while a later one exists is `corrupt`.
 */
export async function* readEntries(store: ObjectStore, from: number): AsyncIterable<ReadEntry> {
  let window = 1;
  const ahead: Promise<ReadEntry | undefined>[] = [];
  try {
    for (let next = from; ; next++) {
      while (ahead.length < window) {
        const read = readEntry(store, next + ahead.length);
        // Awaited in order below; a failure further ahead must not count as unhandled until then.
        read.catch(() => undefined);
        ahead.push(read);
      }
      const found = (await ahead.shift()) ?? (await readMissing(store, { seq: next, ahead }));
      if (!found) {
        return;
      }
      yield found;
      const fits = Math.max(1, Math.floor(MAX_AHEAD_BYTES / found.bytes));
      window = Math.min(window * 2, MAX_WINDOW, fits);
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

/** Rejects with `corrupt` when the log holds any entry after the absent `seq`. */
export async function demandEnd(store: ObjectStore, seq: number): Promise<void> {
  for await (const { key } of store.list(JOURNAL_PREFIX, { startAfter: journalKey(seq) })) {
    // What was written since the reader looked is no gap.
    if ((await readEntry(store, seq)) === undefined) {
      throw gap(seq, key);
    }
    return;
  }
}

async function readMissing(
  store: ObjectStore,
  at: { readonly seq: number; readonly ahead: readonly Promise<ReadEntry | undefined>[] },
): Promise<ReadEntry | undefined> {
  const later = (await Promise.all(at.ahead)).find((read) => read !== undefined);
  if (!later) {
    return undefined;
  }
  // A later entry that exists was written after this one: looking again tells a gap from a race.
  const found = await readEntry(store, at.seq);
  if (!found) {
    throw gap(at.seq, journalKey(later.entry.seq));
  }
  return found;
}

function gap(seq: number, later: string): EngineError {
  const key = journalKey(seq);
  return new EngineError(
    'corrupt',
    `Cannot read journal entry "${key}": it is missing, yet "${later}" exists; restore this object of the bucket from a copy`,
    { details: { key } },
  );
}
