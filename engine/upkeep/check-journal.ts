// Checks what the state is made from: the format, the log, snapshots and history. Reads the log whole only where asked to,
// or where the store can't be opened.

import { errorText, isEngineError } from '../base/errors.ts';
import type { PageRecord, RunRecord } from '../journal/history-run.ts';
import { readPageList } from '../journal/history-run.ts';
import { readEntry } from '../journal/log-reader.ts';
import { readPage } from '../journal/page.ts';
import { listSnapshots, readSnapshot } from '../journal/snapshot.ts';
import { readFormat } from '../object/format.ts';
import {
  formatKey,
  historyKey,
  JOURNAL_PREFIX,
  journalKey,
  parseJournalKey,
  SNAPSHOTS_PREFIX,
} from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { damage, type Finding, warning } from './finding.ts';

const READS_AT_ONCE = 16;
/** So many missing entries are told one by one. */
const MAX_TOLD = 100;

/** Checks the object that says what the store is. */
export async function* checkFormat(store: ObjectStore): AsyncGenerator<Finding> {
  try {
    if ((await readFormat(store)) === undefined) {
      yield damage(formatKey(), `Object "${formatKey()}" is missing`, 'copy');
    }
  } catch (error) {
    if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'failed_precondition')) {
      throw error;
    }
    yield damage(formatKey(), errorText(error), 'copy');
  }
}

/** Checks that no entry of the log is missing and, with `isDeep`, that each can be read. Returns the number of the last. */
export async function* checkLog(
  store: ObjectStore,
  options: { readonly isDeep: boolean },
): AsyncGenerator<Finding, number> {
  let last = 0;
  let told = 0;
  for await (const { key } of store.list(JOURNAL_PREFIX)) {
    const seq = parseJournalKey(key);
    if (seq === undefined) {
      yield warning(key, `Object "${key}" is not of pfs`);
      continue;
    }
    for (let missing = last + 1; missing < seq && told < MAX_TOLD; missing++) {
      told += 1;
      const gone = journalKey(missing);
      yield damage(gone, `Journal entry "${gone}" is missing`, 'copy');
    }
    last = seq;
  }
  for (let first = 1; options.isDeep && first <= last; first += READS_AT_ONCE) {
    const seqs = Array.from(
      { length: Math.min(READS_AT_ONCE, last - first + 1) },
      (_, i) => first + i,
    );
    for (const problem of await Promise.all(seqs.map((seq) => entryProblem(store, seq)))) {
      if (problem) {
        yield problem;
      }
    }
  }
  return last;
}

async function entryProblem(store: ObjectStore, seq: number): Promise<Finding | undefined> {
  const key = journalKey(seq);
  try {
    await readEntry(store, seq);
    return undefined;
  } catch (error) {
    if (!isEngineError(error, 'corrupt')) {
      throw error;
    }
    return damage(key, `Journal entry "${key}" is damaged`, 'copy');
  }
}

/** Checks snapshots and the pages of history that they name. Both can be made again from the log. */
export async function* checkSnapshots(store: ObjectStore): AsyncGenerator<Finding> {
  const { complete, keys } = await listSnapshots(store);
  for (const seq of complete) {
    let runs: readonly RunRecord[];
    try {
      ({ history: runs } = (await readSnapshot(store, seq)).manifest);
    } catch (error) {
      if (isEngineError(error, 'not_found')) {
        // Replaced by a newer one meanwhile.
        continue;
      }
      if (!isEngineError(error, 'corrupt')) {
        throw error;
      }
      yield damage(String(error.details.key ?? SNAPSHOTS_PREFIX), errorText(error), 'rebuild');
      continue;
    }
    yield* checkHistory(store, runs);
  }
  const incomplete = [...keys.keys()].filter((seq) => !complete.includes(seq));
  for (const seq of incomplete) {
    yield warning(
      keys.get(seq)?.[0] ?? null,
      `The snapshot after entry ${seq} is incomplete: it is in the making, or was broken off; the next one removes it`,
    );
  }
}

async function* checkHistory(
  store: ObjectStore,
  runs: readonly RunRecord[],
): AsyncGenerator<Finding> {
  for (const run of runs) {
    let pages: readonly PageRecord[] = [];
    try {
      pages = 'id' in run.pages ? await readPageList(store, run.pages) : run.pages;
    } catch (error) {
      yield pageFinding(error, 'id' in run.pages ? historyKey(run.pages.id) : null);
    }
    for (const { id, count } of pages) {
      const key = historyKey(id);
      try {
        await readPage(store, { key, count });
      } catch (error) {
        yield pageFinding(error, key);
      }
    }
  }
}

function pageFinding(error: unknown, key: string | null): Finding {
  if (!isEngineError(error, 'corrupt')) {
    throw error;
  }
  return damage(key, `Page of history "${key}" is missing or damaged`, 'rebuild');
}
