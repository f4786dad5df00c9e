// A pack on its way to a Git client: entries copied as they are stored, in the order in which they stand in our packs. Never
// more than a few windows of them are in memory.

import { createHash } from 'node:crypto';
import { GIT_PACK, storedEntryBytes, writeStoredEntry } from '../../git/pack-format.ts';
import type { StoredObject } from '../../object/pack-set.ts';
import type { PfsContext } from '../../pfs/context.ts';
import type { IdSet } from '../../pfs/id-set.ts';

/** Objects that are looked up together: bounds what is held. */
const BATCH_OBJECTS = 10_000;
/** Entries are gathered into pieces of about this size. */
const PIECE_BYTES = 256 * 1024;

/** Yields a pack of these objects. One that is damaged breaks it off with `corrupt`. */
export async function* packStream(context: PfsContext, objects: IdSet): AsyncGenerator<Buffer> {
  const digest = createHash('sha1');
  let piece: Buffer[] = [GIT_PACK.header(objects.size)];
  let bytes = 0;
  const take = (): Buffer => {
    const whole = Buffer.concat(piece);
    digest.update(whole);
    piece = [];
    bytes = 0;
    return whole;
  };
  for (const ids of objects.batches(BATCH_OBJECTS)) {
    for await (const stored of context.packs.readMany(ids)) {
      const entry = await entryOf(context, stored, objects);
      piece.push(entry);
      bytes += entry.length;
      if (bytes >= PIECE_BYTES) {
        yield take();
      }
    }
  }
  yield take();
  yield digest.digest();
}

/** Returns an entry as it is stored, but for a delta of what is not sent. */
async function entryOf(context: PfsContext, stored: StoredObject, objects: IdSet): Promise<Buffer> {
  // A damaged object must not leave the house as if it were whole.
  const resolved = context.objects.resolve(stored);
  const { kind, content } = resolved instanceof Promise ? await resolved : resolved;
  const { base } = stored.entry;
  if (base === undefined || objects.hasHex(base)) {
    return stored.bytes;
  }
  const entry = Buffer.allocUnsafe(storedEntryBytes(content.length));
  writeStoredEntry(entry, kind, content);
  return entry;
}
