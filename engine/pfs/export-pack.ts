// Packs for an export: stored entries copied as they are into packs of their own, with Git's index.

import { createHash } from 'node:crypto';
import { TARGET_PACK_BYTES } from '../base/limits.ts';
import { GIT_PACK } from '../git/pack-format.ts';
import { toGitIdx } from '../git/pack-idx.ts';
import { PackIndex } from '../object/pack-index.ts';
import type { PackEntry } from '../object/pack-ref.ts';

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

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Returns whether an entry fits. The first one always does. */
  fits(stored: number): boolean {
    return this.isEmpty || this.#used + stored + GIT_PACK.trailerBytes <= this.#bytes.length;
  }

  /** Copies an entry in, for which there must be room. */
  add(entry: PackEntry, bytes: Buffer): void {
    const end = this.#used + bytes.length;
    if (end + GIT_PACK.trailerBytes > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(end + GIT_PACK.trailerBytes);
    }
    bytes.copy(this.#bytes, this.#used);
    this.#entries.push({ ...entry, offset: this.#used, stored: bytes.length });
    this.#used = end;
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
