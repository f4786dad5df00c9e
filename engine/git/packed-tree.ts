// A tree of very many entries, read as Git stores it: some of its entries cost no more than finding them. Decoding a
// million of them takes most of a second and 160 MB.

import { EngineError } from '../base/errors.ts';
import { compareEntries, decodeTree, type TreeEntry } from './tree.ts';

/** Where every so many-th entry begins is remembered. */
const STEP = 256;
/** The shortest mode with its space; a name has no NUL in it, so the search for its end can begin here. */
const MODE_BYTES = 6;
const ID_BYTES = 20;

/** The entries of a tree by their places in Git's order. */
export class PackedTree {
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #starts: Uint32Array;

  /** `bytes` is a tree's content, which is not changed afterwards. */
  constructor(bytes: Buffer) {
    const starts: number[] = [];
    let count = 0;
    for (let at = 0; at < bytes.length; count += 1) {
      if (count % STEP === 0) {
        starts.push(at);
      }
      at = next(bytes, at);
    }
    this.count = count;
    this.#bytes = bytes;
    this.#starts = Uint32Array.from(starts);
  }

  /** Returns the entries from one place to before another. */
  slice(start: number, end: number): TreeEntry[] {
    const last = Math.min(end, this.count);
    if (start >= last) {
      return [];
    }
    const from = this.#offset(start);
    let to = from;
    for (let at = start; at < last; at += 1) {
      to = next(this.#bytes, to);
    }
    return decodeTree(this.#bytes.subarray(from, to));
  }

  /** Returns the place of the first entry that does not stand before this one. */
  placeOf(entry: TreeEntry): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const [at] = this.slice(middle, middle + 1);
      if (at && compareEntries(at, entry) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  #offset(place: number): number {
    let at = this.#starts[Math.floor(place / STEP)] ?? 0;
    for (let left = place % STEP; left > 0; left -= 1) {
      at = next(this.#bytes, at);
    }
    return at;
  }
}

function next(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(0, at + MODE_BYTES);
  if (end < 0 || end + ID_BYTES >= bytes.length) {
    throw new EngineError('corrupt', 'Cannot read a directory: it ends in the middle of an entry');
  }
  return end + 1 + ID_BYTES;
}
