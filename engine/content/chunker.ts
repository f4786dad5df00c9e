// Where a large file is cut into chunks. Cuts depend on the bytes near them and not on their position, so that
// an insertion moves only the cuts around it. Part of the format: the same bytes are cut the same way for ever.

import { GEAR } from './gear.ts';
import { GearScan, WINDOW_BYTES } from './gear-scan.ts';

const MiB = 1024 * 1024;

/** No chunk is shorter, but for the last of a file. */
export const MIN_CHUNK_BYTES = 2 * MiB;
/** Up to this length a cut needs 23 zero bits, from here on 22. */
export const NORMAL_CHUNK_BYTES = 4 * MiB;
/** No chunk is longer. */
export const MAX_CHUNK_BYTES = 16 * MiB;

/** A hash below has 23 zero bits at the top; or 22. */
const HARD_LIMIT = 1 << 9;
const EASY_LIMIT = 1 << 10;

/**
 * Finds cuts in a stream of bytes. The hash is `(hash << 1) + GEAR[byte]` in 32 bits, over the last 32 bytes; a
 * chunk ends after the byte at which the top bits are zero, or at the longest length.
 */
export class Chunker {
  readonly #scan = new GearScan();
  #length = 0;
  #hash = 0;

  /** Bytes of the chunk that is being cut, so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Goes on with the bytes from `from`. Returns the position after the last byte of the chunk, and the next chunk
   * starts there; or -1 when the bytes end first.
   */
  next(bytes: Uint8Array, from: number): number {
    const available = bytes.length - from;
    let length = this.#length;
    let hash = this.#hash;
    // What comes before the window of the first possible cut has no say in it.
    const skip = Math.min(available, Math.max(0, MIN_CHUNK_BYTES - WINDOW_BYTES - length));
    let at = from + skip;
    length += skip;
    const end = at + Math.min(bytes.length - at, MAX_CHUNK_BYTES - length);
    const shift = length - at;
    const warm = Math.min(end, MIN_CHUNK_BYTES - 1 - shift);
    while (at < warm) {
      hash = ((hash << 1) + (GEAR[bytes[at++] as number] as number)) | 0;
    }
    const hard = Math.min(end, NORMAL_CHUNK_BYTES - shift);
    for (const [stop, limit] of [
      [hard, HARD_LIMIT],
      [end, EASY_LIMIT],
    ] as const) {
      if (at < stop) {
        const cut = this.#scan.find(bytes, { at, end: stop }, { hash, limit });
        if (cut >= 0) {
          return this.#cut(cut);
        }
        hash = this.#scan.hash;
        at = stop;
      }
    }
    if (at + shift === MAX_CHUNK_BYTES) {
      return this.#cut(at);
    }
    this.#length = at + shift;
    this.#hash = hash;
    return -1;
  }

  #cut(at: number): number {
    this.#length = 0;
    this.#hash = 0;
    return at;
  }
}
