// What objects of live packs name, as earlier walks have read it, so that no walk reads again what one has read before. It
// says nothing of what is reached: every walk finds that out anew, from its own roots.

import { type LinkRecord, LinkShelf } from './link-shelf.ts';
import type { Marks, Place } from './marks.ts';

/** Bound of what is remembered, in bytes; what goes beyond is read again by each walk. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Where a version of a larger directory was made a delta, its part is read rather than the whole remembered. */
const MAX_DELTA_LINKS = 64;
const MAX_NUMBER = 2 ** 32 - 1;

/**
 * Objects go by numbers: a pack has as many in a row as it holds objects. One walk at a time has a memory, which lives as
 * long as its owner and is stored nowhere.
 */
export class LinkMemory {
  readonly #maxBytes: number;
  /** In the order of their numbers. */
  #shelves: LinkShelf[] = [];
  /** By the slot that the walk under way gave the pack. */
  #bySlot: LinkShelf[] = [];
  #next = 0;
  #bytes = 0;
  #isTaken = false;

  constructor(options: { readonly maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  /** Returns this memory for a walk, until {@link release}; undefined while another one has it. */
  take(): LinkMemory | undefined {
    if (this.#isTaken) {
      return undefined;
    }
    this.#isTaken = true;
    return this;
  }

  release(): void {
    this.#isTaken = false;
  }

  /** Begins a walk: forgets packs that it does not have, but for what it has of them in other packs. */
  begin(marks: Marks): void {
    const count = marks.views.reduce((sum, { index }) => sum + index.count, 0);
    if (this.#next + count > MAX_NUMBER) {
      this.#shelves = [];
      this.#next = 0;
    }
    for (const shelf of this.#shelves) {
      shelf.slot = -1;
    }
    const known = new Map(this.#shelves.map((shelf) => [shelf.pack, shelf]));
    this.#bySlot = marks.views.map(({ pack, index }, slot) => {
      const shelf = known.get(pack.id) ?? this.#add(pack.id, index);
      shelf.slot = slot;
      return shelf;
    });
    this.#bytes = this.#bySlot.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#shelves.length > this.#bySlot.length) {
      this.#replaceGone(marks);
    }
  }

  /**
   * Returns the numbers of what an object names; of a delta, with `isPart`, perhaps without what its base names. Undefined
   * where nobody remembers.
   */
  get({ slot, position }: Place, isPart: boolean): Uint32Array | undefined {
    return this.#bySlot[slot]?.get(position, isPart);
  }

  /** Remembers what an object names; with `isPart` all but what its base names. */
  put({ slot, position }: Place, links: Uint32Array, isPart: boolean): void {
    const shelf = this.#bySlot[slot];
    if (shelf) {
      this.#put(shelf, { position, links, isPart });
    }
  }

  /** Returns the number of an object of the walk's packs. */
  numberOf({ slot, position }: Place): number {
    return (this.#bySlot[slot] as LinkShelf).first + position;
  }

  /** Returns where the object of a number is. */
  placeOf(number: number): Place {
    const { slot, first } = this.#shelfOf(number);
    return { slot, position: number - first };
  }

  #add(pack: string, index: LinkShelf['index']): LinkShelf {
    const shelf = new LinkShelf(pack, index, this.#next);
    this.#next += index.count;
    this.#shelves.push(shelf);
    return shelf;
  }

  #put(shelf: LinkShelf, record: LinkRecord): void {
    if (this.#bytes < this.#maxBytes) {
      this.#bytes -= shelf.bytes;
      shelf.put(record);
      this.#bytes += shelf.bytes;
    }
  }

  /** Gives what is in other packs now the numbers that it has there, and forgets the packs that have gone. */
  #replaceGone(marks: Marks): void {
    for (const shelf of this.#shelves) {
      for (const record of shelf.records()) {
        const isWhole = this.#renumber(record.links, marks);
        if (shelf.slot < 0 && isWhole) {
          this.#carry(shelf, record, marks);
        } else if (!isWhole) {
          shelf.forget(record.position);
        }
      }
    }
    this.#shelves = this.#shelves.filter(({ slot }) => slot >= 0);
  }

  /** Returns whether all that is named is in one of the walk's packs; its numbers are those of now. */
  #renumber(links: Uint32Array, marks: Marks): boolean {
    for (let i = 0; i < links.length; i++) {
      const number = links[i] ?? 0;
      const shelf = this.#shelfOf(number);
      if (shelf.slot < 0) {
        const place = placeIn(marks, shelf, number - shelf.first);
        if (!place) {
          return false;
        }
        links[i] = this.numberOf(place);
      }
    }
    return true;
  }

  /** Remembers of another copy of an object what was known of one in a pack that has gone. */
  #carry(gone: LinkShelf, record: LinkRecord, marks: Marks): void {
    const place = placeIn(marks, gone, record.position);
    const shelf = place && this.#bySlot[place.slot];
    if (!place || !shelf || shelf.get(place.position, record.isPart)) {
      return;
    }
    const base = shelf.index.baseAt(place.position);
    if (record.isPart) {
      const before = gone.index.baseAt(record.position);
      if (base < 0 || !shelf.index.isAt(base, gone.index.idBytesAt(before))) {
        return;
      }
    } else if (base >= 0 && record.links.length > MAX_DELTA_LINKS) {
      return;
    }
    this.#put(shelf, { ...record, position: place.position });
  }

  #shelfOf(number: number): LinkShelf {
    let low = 0;
    let high = this.#shelves.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#shelves[middle]?.first ?? 0) <= number) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return this.#shelves[low] as LinkShelf;
  }
}

function placeIn(marks: Marks, { index }: LinkShelf, position: number): Place | undefined {
  return marks.find(index.idBytes === 20 ? 'git' : 'chunk', index.idBytesAt(position));
}
