// The journal of a mirror: up to where it is the one of its store, and how it is brought further. An entry that is there is
// never changed.

import { EngineError, isEngineError } from '../base/errors.ts';
import { decodeEntry } from '../journal/entry.ts';
import { journalKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { MirrorReport } from './mirror-report.ts';
import type { ObjectCopier } from './object-copier.ts';

const ENTRIES_AHEAD = 32;

/** Returns the newest entry of the target, which must be the one that the source has under that number. */
export async function lastCommon(
  { journal }: PfsContext,
  { source, target }: ObjectCopier,
): Promise<number> {
  let low = 0;
  let high = 1;
  while (await has(target, journalKey(high))) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await has(target, journalKey(middle))) {
      low = middle;
    } else {
      high = middle;
    }
  }
  if (low === 0) {
    return 0;
  }
  if (low > journal.seq) {
    await journal.sync();
  }
  const key = journalKey(low);
  const theirs = await target.get(key);
  const isSame = low <= journal.seq && theirs.equals(await source.get(key));
  if (!isSame) {
    throw diverged(target, key);
  }
  return low;
}

/** Appends the entries after `from`, up to `to`, one after the other: none is there before all before it. */
export async function* copyEntries(
  copier: ObjectCopier,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<MirrorReport> {
  const { source, target } = copier;
  const ahead: Promise<Buffer>[] = [];
  for (let seq = from + 1; seq <= to; seq++) {
    while (ahead.length < ENTRIES_AHEAD && seq + ahead.length <= to) {
      const read = readEntry(source, seq + ahead.length);
      read.catch(() => undefined);
      ahead.push(read);
    }
    const bytes = (await ahead.shift()) ?? Buffer.alloc(0);
    try {
      await target.put(journalKey(seq), bytes, { ifAbsent: true });
    } catch (error) {
      throw isEngineError(error, 'already_exists') ? diverged(target, journalKey(seq)) : error;
    }
    copier.count(bytes.length, 1);
    if ((seq - from) % ENTRIES_AHEAD === 0) {
      yield { kind: 'progress', stage: 'journal', done: seq - from, total: to - from };
    }
  }
}

async function readEntry(source: ObjectStore, seq: number): Promise<Buffer> {
  const key = journalKey(seq);
  const bytes = await source.get(key);
  decodeEntry(bytes, { seq, key });
  return bytes;
}

async function has(store: ObjectStore, key: string): Promise<boolean> {
  try {
    await store.head(key);
    return true;
  } catch (error) {
    if (isEngineError(error, 'not_found')) {
      return false;
    }
    throw error;
  }
}

function diverged(target: ObjectStore, key: string): EngineError {
  return new EngineError(
    'failed_precondition',
    `Cannot mirror to ${target.url}: its "${key}" is not the one of this store; an engine has written to the mirror, which is a store of its own now. Choose an empty place for a new mirror`,
    { details: { key } },
  );
}
