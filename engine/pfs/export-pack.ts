// Packs for an export: stored entries copied as they are into packs of their own, with Git's index.

import { createHash } from 'node:crypto';
import { TARGET_PACK_BYTES } from '../base/limits.ts';
import type { GitObject } from '../git/object-resolver.ts';
import { GIT_PACK, storedEntryBytes, writeStoredEntry } from '../git/pack-format.ts';
import { toGitIdx } from '../git/pack-idx.ts';
import { PackIndex } from '../object/pack-index.ts';
import type { PackEntry } from '../object/pack-ref.ts';
import type { StoredObject } from '../object/pack-set.ts';

/** A whole pack and its index, as Git wants them beside each other. */
export interface ExportedPack {
  /** The SHA-1 that ends the pack: its name. */
  readonly name: string;
  readonly pack: Buffer;
  readonly idx: Buffer;
}

/** Gathers entries for one pack. */
export class ExportPack {
  #bytes = Buffer.allocUnsafeSlow(TARGET_PACK_BYTES);
  #used = GIT_PACK.headerBytes;
  readonly #entries: PackEntry[] = [];
  readonly #bases = new Set<string>();

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Returns whether an object whose content has `size` bytes fits. The first one always does. */
  fits(stored: StoredObject, size: number): boolean {
    const bytes = this.#isCopied(stored) ? stored.bytes.length : storedEntryBytes(size);
    return this.isEmpty || this.#used + bytes + GIT_PACK.trailerBytes <= this.#bytes.length;
  }

  /** Copies an object in, for which there must be room: as it is stored, but for a delta whose base is elsewhere. */
  add(stored: StoredObject, object: GitObject): void {
    const isCopied = this.#isCopied(stored);
    const bytes = isCopied ? stored.bytes.length : storedEntryBytes(object.content.length);
    const end = this.#used + bytes;
    if (end + GIT_PACK.trailerBytes > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(end + GIT_PACK.trailerBytes);
    }
    if (isCopied) {
      stored.bytes.copy(this.#bytes, this.#used);
    } else {
      writeStoredEntry(this.#bytes.subarray(this.#used, end), object.kind, object.content);
    }
    const { base: _, ...entry } = stored.entry;
    this.#entries.push({ ...entry, offset: this.#used, stored: bytes });
    if (object.kind === 'tree') {
      this.#bases.add(object.id);
    }
    this.#used = end;
  }

  #isCopied({ entry }: StoredObject): boolean {
    return entry.base === undefined || this.#bases.has(entry.base);
  }

  /** Closes the pack. */
  finish(): ExportedPack {
    GIT_PACK.header(this.#entries.length).copy(this.#bytes);
    const digest = createHash('sha1').update(this.#bytes.subarray(0, this.#used)).digest();
    digest.copy(this.#bytes, this.#used);
    const pack = this.#bytes.subarray(0, this.#used + GIT_PACK.trailerBytes);
    const index = PackIndex.build(this.#entries, pack.length);
    return { name: digest.toString('hex'), pack, idx: toGitIdx(index, pack) };
  }
}
