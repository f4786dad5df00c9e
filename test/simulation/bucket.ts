// The bucket of a simulated world: the truth that all else is compared with. It tells of each new journal entry, and
// notices when something that is written once is written twice.

import { MemoryObjectStore } from '../../engine/object/memory.ts';
import type { PutOptions } from '../../engine/object/object-store.ts';

/** A memory store that remembers what came into its journal. */
export class Bucket extends MemoryObjectStore {
  /** Bytes of journal entries that nobody has looked at yet. */
  readonly news: { readonly key: string; readonly bytes: Buffer }[] = [];
  /** What must never happen, once it has. */
  violation: string | undefined;
  readonly #written = new Map<string, Buffer>();

  override async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<void> {
    await super.put(key, bytes, options);
    if (key.startsWith('engines/')) {
      return;
    }
    const copy = Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes);
    const before = this.#written.get(key);
    if (before?.equals(copy) === false) {
      this.violation ??= `${key} was written anew, otherwise`;
    }
    if (before === undefined) {
      this.#written.set(key, copy);
      if (key.startsWith('journal/')) {
        this.news.push({ key, bytes: copy });
      }
    }
  }

  override async delete(key: string): Promise<void> {
    await super.delete(key);
    // Each engine makes a snapshot in its own words; the manifest of one that was late may come to where a deleted one was.
    if (key.startsWith('snapshots/')) {
      this.#written.delete(key);
    }
  }

  /** Returns another bucket with the same objects. */
  async copy(): Promise<Bucket> {
    const other = new Bucket();
    for await (const { key } of this.list('')) {
      await other.put(key, await this.get(key));
    }
    return other;
  }
}
