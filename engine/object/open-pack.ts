// A pack that is being collected in memory: slabs of bytes, and what stands where in them.

import { createHash } from 'node:crypto';
import { digest } from './hash-threads.ts';
import { PackIndex } from './pack-index.ts';
import type { ObjectStat, PackEntry, PackKind } from './pack-ref.ts';
import { giveSlab, LARGE_SLAB_BYTES, SHARED_SLAB_BYTES, takeSlab } from './slabs.ts';

/** What frames the entries of a pack: the container format, as its room defines it. */
export interface PackContainer {
  readonly kind: PackKind;
  /** Bytes before the first entry. */
  readonly headerBytes: number;
  /** Bytes after the last entry: a SHA-1 of all before it, or nothing. */
  readonly trailerBytes: 0 | 20;
  /** Makes the header of a pack of that many objects. */
  header(objects: number): Buffer;
}

/** What an index will say of an entry that is added: beside what the object is, the base of a delta. */
export interface NewEntry extends ObjectStat {
  readonly base?: string;
}

const FIRST_SLAB_BYTES = 16 * 1024;
/** A pack with so much in it will be full. */
const STREAM_BYTES = 12 * 1024 * 1024;
/** Below this a trip to another thread takes longer than the hash. */
const THREAD_BYTES = 64 * 1024;

interface Slab {
  readonly buffer: Buffer;
  used: number;
  readonly release: () => void;
}

interface Place {
  readonly stat: NewEntry;
  readonly offset: number;
  /** The slab it is in, from where to where. A view for each of many small entries would cost more than they do. */
  readonly memory: Buffer;
  readonly start: number;
  readonly end: number;
}

function bytesOf({ memory, start, end }: Place): Buffer {
  return memory.subarray(start, end);
}

/** Entries collected for one pack, in the order in which they came. */
export class OpenPack {
  readonly #container: PackContainer;
  readonly #places = new Map<string, Place>();
  readonly #slabs: Slab[] = [];
  #bytes: number;
  #heldBytes = 0;

  constructor(container: PackContainer) {
    this.#container = container;
    this.#bytes = container.headerBytes;
  }

  /** Length so far, the header included. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#places.size;
  }

  /** Memory it occupies. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  hasRoom(stored: number): boolean {
    const slab = this.#slabs.at(-1);
    return slab !== undefined && slab.buffer.length - slab.used >= stored;
  }

  /** How large a slab to ask for when an entry of `stored` bytes has no room. */
  slabBytes(stored: number): number {
    if (stored > SHARED_SLAB_BYTES) {
      const isStream = this.#heldBytes >= STREAM_BYTES && this.#heldBytes < LARGE_SLAB_BYTES;
      return isStream ? Math.max(LARGE_SLAB_BYTES, stored) : stored;
    }
    let wanted = FIRST_SLAB_BYTES;
    while (wanted < SHARED_SLAB_BYTES && wanted < this.#heldBytes) {
      wanted *= 2;
    }
    return Math.max(wanted, stored);
  }

  addSlab(bytes: number, release: () => void): void {
    this.#slabs.push({ buffer: takeSlab(bytes), used: 0, release });
    this.#heldBytes += bytes;
  }

  /** Appends an entry, for which there must be room, and returns its place to be filled. */
  add(id: string, stat: NewEntry, stored: number): Buffer {
    const slab = this.#slabs.at(-1);
    if (!slab || slab.buffer.length - slab.used < stored) {
      throw new RangeError('no room was made for the entry');
    }
    const start = slab.used;
    const end = start + stored;
    slab.used = end;
    const place = { stat, offset: this.#bytes, memory: slab.buffer, start, end };
    this.#places.set(id, place);
    this.#bytes += stored;
    return bytesOf(place);
  }

  stat(id: string): ObjectStat | undefined {
    return this.#places.get(id)?.stat;
  }

  /** Returns the bytes of an entry: a copy, since the memory will be used for others. */
  read(id: string): Buffer | undefined {
    const place = this.#places.get(id);
    return place && Buffer.from(bytesOf(place));
  }

  /** Takes the entries and the memory of another pack, but for entries that `isKnown` here. The other is empty then. */
  adopt(other: OpenPack, isKnown: (id: string) => boolean): void {
    for (const [id, place] of other.#places) {
      if (!isKnown(id)) {
        this.#places.set(id, { ...place, offset: this.#bytes });
        this.#bytes += place.end - place.start;
      }
    }
    // Before our own slabs, whose last one may have room left.
    this.#slabs.unshift(...other.#slabs);
    this.#heldBytes += other.#heldBytes;
    other.#places.clear();
    other.#slabs.length = 0;
    other.#heldBytes = 0;
    other.#bytes = other.#container.headerBytes;
  }

  toIndex(): PackIndex {
    const entries: PackEntry[] = [];
    for (const [id, { stat, offset, start, end }] of this.#places) {
      entries.push({ id, ...stat, offset, stored: end - start });
    }
    return PackIndex.build(entries, this.#bytes + this.#container.trailerBytes);
  }

  /** Returns the bytes of the whole pack, in parts. A trailer is hashed by another thread. */
  async parts(): Promise<Uint8Array[]> {
    const parts = [this.#container.header(this.#places.size), ...this.#runs()];
    if (this.#container.trailerBytes === 0) {
      return parts;
    }
    if (this.#bytes >= THREAD_BYTES) {
      parts.push(await digest('sha1', parts));
    } else {
      const hash = createHash('sha1');
      for (const part of parts) {
        hash.update(part);
      }
      parts.push(hash.digest());
    }
    return parts;
  }

  /** Gives the memory back. */
  release(): void {
    for (const { buffer, release } of this.#slabs) {
      release();
      giveSlab(buffer);
    }
    this.#slabs.length = 0;
    this.#heldBytes = 0;
    this.#places.clear();
  }

  /** Entries in order, neighbours in memory as one buffer. */
  #runs(): Buffer[] {
    const runs: Buffer[] = [];
    let run: { readonly memory: Buffer; readonly start: number; end: number } | undefined;
    for (const { memory, start, end } of this.#places.values()) {
      if (run?.memory === memory && run.end === start) {
        run.end = end;
      } else {
        if (run) {
          runs.push(run.memory.subarray(run.start, run.end));
        }
        run = { memory, start, end };
      }
    }
    if (run) {
      runs.push(run.memory.subarray(run.start, run.end));
    }
    return runs;
  }
}
