// Objects on their way from a store to its mirror: each is verified before it is written and read back after, and all are
// counted. Which objects are copied, and in which order, is decided elsewhere.

import { EngineError, isEngineError } from '../base/errors.ts';
import { packIndexKey, packKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PackRef } from '../object/pack-ref.ts';
import { problemWith, putVerified, readVerifiedIndex, readVerifiedPack } from './copy-object.ts';

/** Copies objects from `source` to `target`. What is damaged in `source` is `corrupt`, and is not written. */
export class ObjectCopier {
  readonly source: ObjectStore;
  readonly target: ObjectStore;
  #copied = 0;
  #bytes = 0;
  #deleted = 0;

  constructor(source: ObjectStore, target: ObjectStore) {
    this.source = source;
    this.target = target;
  }

  /** How many objects were copied and deleted until now, and how many bytes were copied. */
  get counts(): { readonly copied: number; readonly bytes: number; readonly deleted: number } {
    return { copied: this.#copied, bytes: this.#bytes, deleted: this.#deleted };
  }

  /** Copies a pack and its index; one that is not live may be gone meanwhile. */
  async copyPack(pack: PackRef, isLive: boolean): Promise<void> {
    try {
      const verified = await readVerifiedPack(this.source, pack);
      const { bytes } = verified;
      const index = await readVerifiedIndex(this.source, pack, verified);
      await putVerified(this.target, packKey(pack.id), bytes);
      await putVerified(this.target, packIndexKey(pack.id), index);
      this.count(bytes.length + index.length, 2);
    } catch (error) {
      if (isLive || !isEngineError(error, 'not_found')) {
        throw error;
      }
    }
  }

  /** Copies an object, unless it is gone meanwhile. */
  async copyIfThere(key: string): Promise<void> {
    try {
      await this.copy(key);
    } catch (error) {
      if (!isEngineError(error, 'not_found')) {
        throw error;
      }
    }
  }

  /** Copies an object of any kind but packs and their indexes. */
  async copy(key: string): Promise<void> {
    const bytes = await this.source.get(key);
    const problem = await problemWith(this.source, key, bytes);
    if (problem !== undefined) {
      throw new EngineError('corrupt', `Cannot mirror "${key}": ${problem}`, { details: { key } });
    }
    await putVerified(this.target, key, bytes);
    this.count(bytes.length, 1);
  }

  /** Deletes an object of the target. */
  async delete(key: string): Promise<void> {
    await this.target.delete(key);
    this.#deleted += 1;
  }

  /** Notes what was copied by other means. */
  count(bytes: number, objects: number): void {
    this.#bytes += bytes;
    this.#copied += objects;
  }
}
