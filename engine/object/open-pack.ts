// A pack that is being collected in memory: slabs of bytes, and what stands where in them.

import { createHash } from 'node:crypto';
import { digest, isShared } from './hash-threads.ts';
import { PackIndex } from './pack-index.ts';
import type { ObjectStat, PackEntry, PackKind } from './pack-ref.ts';
import { giveSlab, takeSlab } from './slabs.ts';

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
const SLAB_BYTES = 1024 * 1024;
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
  readonly bytes: Buffer;
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
    let wanted = FIRST_SLAB_BYTES;
    while (wanted < SLAB_BYTES && wanted < this.#heldBytes) {
      wanted *= 2;
    }
    return Math.max(wanted, stored);
  }

  addSlab(bytes: number, release: () => void): void {
    // Threads hash what has a trailer. Larger memory than usual is not kept for others, and not shared.
    const isShared = this.#container.trailerBytes > 0 && bytes <= SLAB_BYTES;
    const buffer = isShared ? takeSlab(bytes) : Buffer.allocUnsafeSlow(bytes);
    this.#slabs.push({ buffer, used: 0, release });
    this.#heldBytes += bytes;
  }

  /** Appends an entry, for which there must be room, and returns its place to be filled. */
  add(id: string, stat: NewEntry, stored: number): Buffer {
    const slab = this.#slabs.at(-1);
    if (!slab || slab.buffer.length - slab.used < stored) {
      throw new RangeError('no room was made for the entry');
    }
    const bytes = slab.buffer.subarray(slab.used, slab.used + stored);
    slab.used += stored;
    this.#places.set(id, { stat, offset: this.#bytes, bytes });
    this.#bytes += stored;
    return bytes;
  }

  stat(id: string): ObjectStat | undefined {
    return this.#places.get(id)?.stat;
  }

  /** Returns the bytes of an entry: a copy where the memory will be used for others. */
  read(id: string): Buffer | undefined {
    const bytes = this.#places.get(id)?.bytes;
    return bytes && isShared(bytes) ? Buffer.from(bytes) : bytes;
  }

  /** Takes the entries and the memory of another pack, but for entries that `isKnown` here. The other is empty then. */
  adopt(other: OpenPack, isKnown: (id: string) => boolean): void {
    for (const [id, place] of other.#places) {
      if (!isKnown(id)) {
        this.#places.set(id, { ...place, offset: this.#bytes });
        this.#bytes += place.bytes.length;
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
    for (const [id, { stat, offset, bytes }] of this.#places) {
      entries.push({ id, ...stat, offset, stored: bytes.length });
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
    let run: { memory: ArrayBufferLike; start: number; end: number } | undefined;
    const close = () => {
      if (run) {
        runs.push(Buffer.from(run.memory, run.start, run.end - run.start));
      }
    };
    for (const { bytes } of this.#places.values()) {
      if (run?.memory === bytes.buffer && run.end === bytes.byteOffset) {
        run.end += bytes.length;
      } else {
        close();
        run = {
          memory: bytes.buffer,
          start: bytes.byteOffset,
          end: bytes.byteOffset + bytes.length,
        };
      }
    }
    close();
    return runs;
  }
}
