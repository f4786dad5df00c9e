// Upgrading a store that an engine of an older format wrote. All of it stays as it is; what is written from then on may be of
// the new format, and no older engine gets to see it.

import { type BucketFormat, FORMAT, newFormat } from '../object/format.ts';
import { formatKey } from '../object/keys.ts';
import type { PfsContext } from './context.ts';

/**
 * Raises the format of a store to that of this engine. An entry comes first, at which every older engine stops that has the
 * store open; then the object `format`, which refuses those that come. Cut off between the two it is done again by the next
 * engine, and older ones stop at the entry.
 */
export async function raiseFormat(
  { journal, store }: PfsContext,
  present: BucketFormat,
  format = FORMAT,
): Promise<void> {
  if (present.format >= format) {
    return;
  }
  await journal.transact(
    () => ({ operations: [{ kind: 'format.raised' as const, format }], result: null }),
    { actor: 'engine' },
  );
  await store.put(formatKey(), newFormat(present.id, format));
}
