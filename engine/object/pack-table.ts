// One hash table over the ids of many packs, so that a lookup costs the same with one pack and with thousands.
// It keeps numbers only; the ids stay in the indexes.

import type { PackIndex } from './pack-index.ts';

const EMPTY = 0;
const NOTHING = new Uint32Array(0);

/** Where an id was found: which index, as numbered by {@link PackTable.add}, and its position in it. */
export interface TableHit {
  readonly slot: number;
  readonly position: number;
}

/**
 * Open addressing over two 32-bit numbers per object. Ids are hashes, so their first four bytes place them
 * well. An id in several packs is there several times; the hit is one whose pack has not been removed.
 */
export class PackTable {
  #indexes: (PackIndex | undefined)[] = [];
  // Sessions make tables, and seldom fill them.
  #slots = NOTHING;
  #positions = NOTHING;
  #used = 0;
  #dead = 0;

  /** Adds all ids of an index; returns the number under which hits name it. */
  add(index: PackIndex): number {
    const slot = this.#indexes.length;
    this.#indexes.push(index);
    this.#grow(this.#used + index.count);
    this.#insert(slot, index);
    return slot;
  }

  /** Forgets an index. */
  remove(slot: number): void {
    this.#dead += this.#indexes[slot]?.count ?? 0;
    this.#indexes[slot] = undefined;
  }

  /** Returns the index of that number, unless removed. */
  index(slot: number): PackIndex | undefined {
    return this.#indexes[slot];
  }

  /** Returns where an id is, or undefined. */
  find(id: Buffer): TableHit | undefined {
    const mask = this.#slots.length - 1;
    for (let at = id.readUInt32BE(0) & mask; ; at = (at + 1) & mask) {
      const slot = (this.#slots[at] ?? EMPTY) - 1;
      if (slot < 0) {
        return undefined;
      }
      const position = this.#positions[at] ?? 0;
      if (this.#indexes[slot]?.isAt(position, id)) {
        return { slot, position };
      }
    }
  }

  #insert(slot: number, index: PackIndex): void {
    const mask = this.#slots.length - 1;
    for (let position = 0; position < index.count; position++) {
      let at = index.prefixAt(position) & mask;
      while (this.#slots[at] !== EMPTY) {
        at = (at + 1) & mask;
      }
      this.#slots[at] = slot + 1;
      this.#positions[at] = position;
    }
    this.#used += index.count;
  }

  #grow(wanted: number): void {
    if (wanted * 2 <= this.#slots.length && this.#dead * 2 <= this.#used) {
      return;
    }
    let length = 64;
    while (length < (wanted - this.#dead) * 3) {
      length *= 2;
    }
    this.#slots = new Uint32Array(length);
    this.#positions = new Uint32Array(length);
    this.#used = 0;
    this.#dead = 0;
    for (const [slot, index] of this.#indexes.entries()) {
      // The index being added is the last one and goes in afterwards.
      if (index && slot < this.#indexes.length - 1) {
        this.#insert(slot, index);
      }
    }
  }
}
