// What the objects of one pack name, as numbers in one array: four bytes for each name, and for each object of the pack.

import type { PackIndex } from '../object/pack-index.ts';

/** What one object names. */
export interface LinkRecord {
  readonly position: number;
  readonly links: Uint32Array;
  /** Of a delta: what its base names is left out. */
  readonly isPart: boolean;
}

const NUMBER_BYTES = 4;
const FIRST_LENGTH = 64;

/** The records of one pack. */
export class LinkShelf {
  readonly pack: string;
  readonly index: PackIndex;
  /** The number of the pack's first object. */
  readonly first: number;
  /** The pack's slot in the walk under way; -1 where the walk does not have it. */
  slot = -1;
  /** Lists one after the other, each after its length. */
  #links = new Uint32Array(0);
  #used = 0;
  /** By position: where its list begins; 0 where it has none. Made with the first list. */
  #whole = new Uint32Array(0);
  readonly #part = new Map<number, number>();

  constructor(pack: string, index: PackIndex, first: number) {
    this.pack = pack;
    this.index = index;
    this.first = first;
  }

  get bytes(): number {
    return NUMBER_BYTES * (this.#links.length + this.#whole.length);
  }

  /** Returns what an object names; of a delta, with `isPart`, perhaps without what its base names. */
  get(position: number, isPart: boolean): Uint32Array | undefined {
    const at = this.#whole[position] || (isPart ? this.#part.get(position) : undefined);
    return at ? this.#listAt(at) : undefined;
  }

  put({ position, links, isPart }: LinkRecord): void {
    const end = this.#used + 1 + links.length;
    if (end > this.#links.length) {
      const longer = new Uint32Array(Math.max(FIRST_LENGTH, end, this.#links.length * 2));
      longer.set(this.#links);
      this.#links = longer;
    }
    if (this.#whole.length === 0) {
      this.#whole = new Uint32Array(this.index.count);
    }
    this.#links[this.#used] = links.length;
    this.#links.set(links, this.#used + 1);
    if (isPart) {
      this.#part.set(position, this.#used + 1);
    } else {
      this.#whole[position] = this.#used + 1;
    }
    this.#used = end;
  }

  forget(position: number): void {
    this.#part.delete(position);
    this.#whole[position] = 0;
  }

  /** Yields all records. Their links are the ones kept here: what is written to them stays. */
  *records(): Generator<LinkRecord> {
    for (const [position, at] of this.#whole.entries()) {
      if (at > 0) {
        yield { position, links: this.#listAt(at), isPart: false };
      }
    }
    for (const [position, at] of this.#part) {
      yield { position, links: this.#listAt(at), isPart: true };
    }
  }

  #listAt(at: number): Uint32Array {
    return this.#links.subarray(at, at + (this.#links[at - 1] ?? 0));
  }
}
