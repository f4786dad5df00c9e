// Which objects of a set of packs are reached: two bits per object over the packs' own indexes, so that a million objects
// cost a few MiB.

import type { PackKind } from '../object/pack-ref.ts';
import { PackTable } from '../object/pack-table.ts';
import type { PackView } from './pack-view.ts';

/** Where an object is: a pack of the set, and the object's position in its index. */
export interface Place {
  readonly slot: number;
  readonly position: number;
}

/** The marks of one walk. The packs may leave the live set meanwhile: the marks stay with them. */
export class Marks {
  readonly views: readonly PackView[];
  readonly #tables: Readonly<Record<PackKind, { table: PackTable; slots: number[] }>> = {
    git: { table: new PackTable(), slots: [] },
    chunk: { table: new PackTable(), slots: [] },
  };
  readonly #reached: Uint8Array[];
  readonly #done: Uint8Array[];
  readonly #pending: number[];

  constructor(views: readonly PackView[]) {
    this.views = views;
    const bits = () => views.map(({ index }) => new Uint8Array((index.count + 7) >> 3));
    this.#reached = bits();
    this.#done = bits();
    this.#pending = views.map(() => 0);
    for (const [slot, { pack, index }] of views.entries()) {
      const { table, slots } = this.#tables[pack.kind];
      slots[table.add(index)] = slot;
    }
  }

  /** Returns where an object is; `id` holds its 20 bytes (Git) or 32 bytes (a chunk). */
  find(kind: PackKind, id: Buffer): Place | undefined {
    const { table, slots } = this.#tables[kind];
    const hit = table.find(id);
    const slot = hit && slots[hit.slot];
    return slot === undefined || !hit ? undefined : { slot, position: hit.position };
  }

  /** Takes all marks away, for another walk over the same packs. */
  clear(): void {
    for (const bits of [...this.#reached, ...this.#done]) {
      bits.fill(0);
    }
    this.#pending.fill(0);
  }

  /** Marks an object; `reads` says that what it names must be looked at too. Returns whether it was not marked before. */
  mark({ slot, position }: Place, reads: boolean): boolean {
    if (this.isReached({ slot, position })) {
      return false;
    }
    set(this.#reached[slot], position);
    if (reads) {
      this.#pending[slot] = (this.#pending[slot] ?? 0) + 1;
    } else {
      set(this.#done[slot], position);
    }
    return true;
  }

  isReached({ slot, position }: Place): boolean {
    return has(this.#reached[slot], position);
  }

  /** Returns a pack with objects that must be looked at still, and whether each is one; undefined when all are done. */
  next(): { slot: number; isPending: (position: number) => boolean } | undefined {
    let slot = -1;
    for (const [candidate, count] of this.#pending.entries()) {
      if (count > (this.#pending[slot] ?? 0)) {
        slot = candidate;
      }
    }
    if (slot < 0) {
      return undefined;
    }
    const isPending = (position: number) =>
      has(this.#reached[slot], position) && !has(this.#done[slot], position);
    return { slot, isPending };
  }

  /** Notes that an object was looked at. */
  finish({ slot, position }: Place): void {
    if (!has(this.#done[slot], position)) {
      set(this.#done[slot], position);
      this.#pending[slot] = (this.#pending[slot] ?? 0) - 1;
    }
  }

  /** Marks what marked deltas stand on, so that they can be read. What that names in turn is not reached by it. */
  markBases(): void {
    for (const [slot, { index }] of this.views.entries()) {
      for (let position = 0; position < index.count; position++) {
        if (this.isReached({ slot, position })) {
          let base = index.baseAt(position);
          while (base >= 0 && this.mark({ slot, position: base }, false)) {
            base = index.baseAt(base);
          }
        }
      }
    }
  }

  /** Returns how many objects of a pack are marked. */
  reachedCount(slot: number): number {
    let count = 0;
    for (let byte of this.#reached[slot] ?? []) {
      for (; byte !== 0; byte &= byte - 1) {
        count += 1;
      }
    }
    return count;
  }

  /** Returns how many bytes of a pack are marked. */
  reachedBytes(slot: number): number {
    const { index } = this.views[slot] as PackView;
    let bytes = 0;
    for (let position = 0; position < index.count; position++) {
      if (has(this.#reached[slot], position)) {
        bytes += index.storedAt(position);
      }
    }
    return bytes;
  }
}

function has(bits: Uint8Array | undefined, at: number): boolean {
  return ((bits?.[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
}

function set(bits: Uint8Array | undefined, at: number): void {
  if (bits) {
    bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
  }
}
