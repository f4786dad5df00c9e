// Copying one object from one store to another, so that what arrives is known to be right: it is verified before it is
// written, and read back afterwards.

import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { decodeEntry } from '../journal/entry.ts';
import { readPage } from '../journal/page.ts';
import {
  HISTORY_PREFIX,
  LOGS_PREFIX,
  packIndexKey,
  packKey,
  parseJournalKey,
} from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PackIndex } from '../object/pack-index.ts';
import type { PackRef } from '../object/pack-ref.ts';
import { logProblem } from './check-files.ts';
import { rebuildIndex } from './pack-scan.ts';
import { OneObjectStore } from './views.ts';

/** Writes an object that may be there damaged, and reads it back. */
export async function putVerified(store: ObjectStore, key: string, bytes: Buffer): Promise<void> {
  try {
    await store.put(key, bytes, { ifAbsent: true });
  } catch (error) {
    if (!isEngineError(error, 'already_exists')) {
      throw error;
    }
    await store.put(key, bytes);
  }
  if (!bytes.equals(await store.get(key, { fresh: true }))) {
    throw new EngineError(
      'corrupt',
      `Cannot write object "${key}" of ${store.url}: what is read back is something else; check the disk`,
      { details: { key } },
    );
  }
}

/** A pack of which every byte is known to be right. */
export interface VerifiedPack {
  readonly bytes: Buffer;
  /** What is where in it; sizes of trees are not to be relied on. */
  readonly scanned: PackIndex;
}

/** Reads a pack and verifies every object in it against its hash. Anything wrong is `corrupt`, absence `not_found`. */
export async function readVerifiedPack(store: ObjectStore, pack: PackRef): Promise<VerifiedPack> {
  const bytes = await store.get(packKey(pack.id));
  const scanned = await rebuildIndex(store, { pack, bytes }, async () => undefined);
  return { bytes, scanned };
}

/** Reads the index of a pack and verifies that it is the index of these very bytes. */
export async function readVerifiedIndex(
  store: ObjectStore,
  pack: PackRef,
  { scanned }: VerifiedPack,
): Promise<Buffer> {
  const key = packIndexKey(pack.id);
  const stored = await store.get(key);
  const index = PackIndex.parse(stored, key);
  const isSame =
    index.count === scanned.count &&
    [...scanned.entries()].every((entry, position) => {
      const other = index.entryAt(position);
      return (
        other.id === entry.id && other.offset === entry.offset && other.stored === entry.stored
      );
    });
  if (!isSame) {
    throw new EngineError('corrupt', `Pack index "${key}" belongs to another pack`, {
      details: { key },
    });
  }
  return stored;
}

/** Returns what is wrong with the bytes of any object but packs and their indexes, as far as they tell themselves. */
export async function problemWith(
  store: ObjectStore,
  key: string,
  bytes: Buffer,
): Promise<string | undefined> {
  const seq = parseJournalKey(key);
  try {
    if (seq !== undefined) {
      decodeEntry(bytes, { seq, key });
    } else if (key.startsWith(HISTORY_PREFIX)) {
      // Its number of rows is known to whoever names it.
      await readPage(new OneObjectStore(store, { key, bytes }), { key, count: -1 });
    } else if (key.startsWith(LOGS_PREFIX)) {
      return await logProblem(new OneObjectStore(store, { key, bytes }), key);
    }
    return undefined;
  } catch (error) {
    if (!isEngineError(error, 'corrupt')) {
      throw error;
    }
    return errorText(error);
  }
}
