// Deletes objects of the store that are out of use: removed packs once their grace period has passed, and what no journal
// entry names. The journal hears of it first.

import { PACKS_PREFIX, packIndexKey, packKey, parsePackKey } from '../object/keys.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Pace } from './pace.ts';
import { type Amount, amountOf } from './report.ts';

/** What a collection may delete. */
export interface Deletion {
  /** The newest entry that is older than the grace period. */
  readonly old: number;
  /** The store's time a grace period ago. */
  readonly before: number;
  readonly dryRun: boolean;
  readonly pace: Pace;
}

const ACTOR = { actor: 'engine' };
/** An id is 12 hex digits of time and 20 others. */
const TIME_DIGITS = 12;
const ID_DIGITS = 32;

/** Deletes the objects of packs that were removed at least a grace period ago. */
export async function deleteRemoved(
  context: PfsContext,
  { old, dryRun, pace }: Deletion,
): Promise<{ deleted: Amount; waiting: Amount }> {
  const { journal, store } = context;
  const removed = [...journal.state.removedPacks.values()];
  const due = removed.filter((pack) => pack.deleted !== null || pack.removed <= old);
  const isWaiting = (pack: { readonly id: string }) => !due.some(({ id }) => id === pack.id);
  const result = { deleted: amountOf(due), waiting: amountOf(removed.filter(isWaiting)) };
  if (dryRun || due.length === 0) {
    return result;
  }
  const packs = due.filter((pack) => pack.deleted === null).map(({ id }) => id);
  if (packs.length > 0) {
    await journal.transact(
      () => ({ operations: [{ kind: 'packs.deleted' as const, packs }], result: null }),
      ACTOR,
    );
  }
  // Also those that an engine announced and then died: deleting twice does no harm.
  for (const { id } of due) {
    await pace.step();
    await store.delete(packKey(id));
    await store.delete(packIndexKey(id));
  }
  return result;
}

/**
 * Deletes packs, and indexes, that are older than the grace period and that no journal entry names. From before it looks for
 * them on, no transaction may add one that old.
 */
export async function deleteStrays(
  context: PfsContext,
  { before, dryRun, pace }: Deletion,
): Promise<Amount> {
  const { journal, store } = context;
  const time = Math.max(0, Math.floor(before)).toString(16).padStart(TIME_DIGITS, '0');
  const horizon = time.padEnd(ID_DIGITS, '0');
  if (!dryRun) {
    await journal.transact(
      () => ({ operations: [{ kind: 'packs.horizon' as const, before: horizon }], result: null }),
      ACTOR,
    );
  }
  const { packs, removedPacks } = journal.state;
  const strays: { key: string; bytes: number }[] = [];
  for await (const { key, size, modified } of store.list(PACKS_PREFIX)) {
    await pace.step();
    const id = parsePackKey(key)?.id;
    if (id !== undefined && id < horizon && modified <= before) {
      if (!packs.has(id) && !removedPacks.has(id)) {
        strays.push({ key, bytes: size });
      }
    }
  }
  for (const { key } of dryRun ? [] : strays) {
    await pace.step();
    await store.delete(key);
  }
  return amountOf(strays);
}
