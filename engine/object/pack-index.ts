// The index beside a pack: where each object is, what it is, and how much it stands for. Made from the pack
// alone but for the sizes of trees and large files, which follow from the objects themselves.

import { createHash } from 'node:crypto';
import { EngineError } from '../base/errors.ts';
import type { ObjectKind, PackEntry } from './pack-ref.ts';

/**
 * Layout, all integers big-endian:
 *
 *     0   8        "pfsindex"
 *     8   4        version: 2 where an object is a delta of another one, else 1
 *     12  4        length of an id in bytes: 20 (SHA-1) or 32 (SHA-256)
 *     16  4        count of objects
 *     20  4        zero
 *     24  8        length of the pack in bytes
 *     32  32       SHA-256 of this index without these 32 bytes
 *     64  count×L  ids, ascending
 *     …   count×24 records in the same order: kind (4), offset in the pack (4), length in the pack (4),
 *                  files (4), logical size (8); of version 2 they are 28 bytes long and end with the base (4): 0
 *                  for a whole object, else 1 + the position of the object that this one is a delta of
 */
const MAGIC = Buffer.from('pfsindex', 'latin1');
const WHOLE_VERSION = 1;
const DELTA_VERSION = 2;
const CHECKSUM_AT = 32;
const IDS_AT = 64;
const RECORD_BYTES: ReadonlyMap<number, number> = new Map([
  [WHOLE_VERSION, 24],
  [DELTA_VERSION, 28],
]);
const BASE_AT = 24;

/** Kinds as they are numbered in the index: Git's own numbers, and ours from 16. */
const KIND_CODES: Readonly<Record<ObjectKind, number>> = {
  commit: 1,
  tree: 2,
  blob: 3,
  tag: 4,
  chunk: 16,
  list: 17,
};
const KINDS = new Map(
  (Object.keys(KIND_CODES) as ObjectKind[]).map((kind) => [KIND_CODES[kind], kind]),
);

/** The index of one pack, kept as the bytes it is stored as; entries become objects only when asked for. */
export class PackIndex {
  /** The index as it is stored. */
  readonly bytes: Buffer;
  readonly count: number;
  /** Length of an id in bytes. */
  readonly idBytes: 20 | 32;
  /** Length of the pack. */
  readonly packBytes: number;
  readonly #recordsAt: number;
  readonly #recordBytes: number;

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.idBytes = bytes.readUInt32BE(12) === 20 ? 20 : 32;
    this.count = bytes.readUInt32BE(16);
    this.packBytes = Number(bytes.readBigUInt64BE(24));
    this.#recordsAt = IDS_AT + this.count * this.idBytes;
    this.#recordBytes = RECORD_BYTES.get(bytes.readUInt32BE(8)) ?? 0;
  }

  /** Takes the bytes of a stored index. A damaged one is `corrupt`; `key` names it in the message. */
  static parse(bytes: Buffer, key: string): PackIndex {
    const problem = problemOf(bytes);
    if (problem !== undefined) {
      throw new EngineError('corrupt', `Cannot read pack index "${key}": ${problem}; rebuild it`, {
        details: { key },
      });
    }
    return new PackIndex(bytes);
  }

  /**
   * Makes the index of a pack of `packBytes` from its entries, in any order; ids are hex of one length. The bases of
   * deltas are among them.
   */
  static build(entries: readonly PackEntry[], packBytes: number): PackIndex {
    const sorted = [...entries].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    const idBytes = sorted[0]?.id.length === 64 ? 32 : 20;
    const recordsAt = IDS_AT + sorted.length * idBytes;
    const hasDeltas = sorted.some(({ base }) => base !== undefined);
    const version = hasDeltas ? DELTA_VERSION : WHOLE_VERSION;
    const recordBytes = RECORD_BYTES.get(version) ?? 0;
    const bytes = Buffer.alloc(recordsAt + sorted.length * recordBytes);
    MAGIC.copy(bytes);
    bytes.writeUInt32BE(version, 8);
    bytes.writeUInt32BE(idBytes, 12);
    bytes.writeUInt32BE(sorted.length, 16);
    bytes.writeBigUInt64BE(BigInt(packBytes), 24);
    for (const [i, entry] of sorted.entries()) {
      bytes.write(entry.id, IDS_AT + i * idBytes, 'hex');
      const at = recordsAt + i * recordBytes;
      bytes.writeUInt32BE(KIND_CODES[entry.kind], at);
      bytes.writeUInt32BE(entry.offset, at + 4);
      bytes.writeUInt32BE(entry.stored, at + 8);
      bytes.writeUInt32BE(entry.files, at + 12);
      bytes.writeUInt32BE(Math.floor(entry.size / 2 ** 32), at + 16);
      bytes.writeUInt32BE(entry.size % 2 ** 32, at + 20);
    }
    const index = new PackIndex(bytes);
    for (const [i, { id, base }] of sorted.entries()) {
      if (base !== undefined) {
        const position = index.find(Buffer.from(base, 'hex'));
        if (position < 0) {
          throw new EngineError(
            'internal',
            `Cannot index "${id}": its base "${base}" is elsewhere`,
          );
        }
        bytes.writeUInt32BE(position + 1, recordsAt + i * recordBytes + BASE_AT);
      }
    }
    checksum(bytes).copy(bytes, CHECKSUM_AT);
    return index;
  }

  /** Returns the position of an id among the sorted ones, or -1. `id` holds at least `idBytes` bytes. */
  find(id: Uint8Array): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(middle, id);
      if (order === 0) {
        return middle;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return -1;
  }

  /** Returns whether the id at a position is this one. */
  isAt(position: number, id: Uint8Array): boolean {
    return this.#compare(position, id) === 0;
  }

  /** Returns the first four bytes of the id at a position. */
  prefixAt(position: number): number {
    return this.bytes.readUInt32BE(IDS_AT + position * this.idBytes);
  }

  /** Returns the id at a position, as bytes of the index: not to be written to. */
  idBytesAt(position: number): Buffer {
    const at = IDS_AT + position * this.idBytes;
    return this.bytes.subarray(at, at + this.idBytes);
  }

  /** Returns the id at a position, in hex. */
  idAt(position: number): string {
    const at = IDS_AT + position * this.idBytes;
    return this.bytes.toString('hex', at, at + this.idBytes);
  }

  /** Returns the entry at a position. */
  entryAt(position: number): PackEntry {
    const { bytes } = this;
    const at = this.#recordsAt + position * this.#recordBytes;
    const code = bytes.readUInt32BE(at);
    const kind = KINDS.get(code);
    if (kind === undefined) {
      throw new EngineError(
        'corrupt',
        `Cannot read object "${this.idAt(position)}": its kind ${code} is unknown; use a newer engine`,
      );
    }
    const base = this.baseAt(position);
    return {
      id: this.idAt(position),
      kind,
      offset: bytes.readUInt32BE(at + 4),
      stored: bytes.readUInt32BE(at + 8),
      files: bytes.readUInt32BE(at + 12),
      size: bytes.readUInt32BE(at + 16) * 2 ** 32 + bytes.readUInt32BE(at + 20),
      ...(base < 0 ? {} : { base: this.idAt(base) }),
    };
  }

  /** Returns the position of the object that the one at a position is a delta of, or -1 for a whole one. */
  baseAt(position: number): number {
    if (this.#recordBytes <= BASE_AT) {
      return -1;
    }
    return this.bytes.readUInt32BE(this.#recordsAt + position * this.#recordBytes + BASE_AT) - 1;
  }

  /** Returns the code of the kind of the object at a position: Git's number, or ours. */
  kindCodeAt(position: number): number {
    return this.bytes.readUInt32BE(this.#recordsAt + position * this.#recordBytes);
  }

  /** Returns the length in the pack of the object at a position. */
  storedAt(position: number): number {
    return this.bytes.readUInt32BE(this.#recordsAt + position * this.#recordBytes + 8);
  }

  /** Returns where in the pack the object at a position starts. */
  offsetAt(position: number): number {
    return this.bytes.readUInt32BE(this.#recordsAt + position * this.#recordBytes + 4);
  }

  /** Yields every entry, in the order of ids. */
  *entries(): Generator<PackEntry> {
    for (let position = 0; position < this.count; position++) {
      yield this.entryAt(position);
    }
  }

  #compare(position: number, id: Uint8Array): number {
    const at = IDS_AT + position * this.idBytes;
    for (let i = 0; i < this.idBytes; i++) {
      const difference = (this.bytes[at + i] ?? 0) - (id[i] ?? 0);
      if (difference !== 0) {
        return difference;
      }
    }
    return 0;
  }
}

function checksum(bytes: Buffer): Buffer {
  return createHash('sha256')
    .update(bytes.subarray(0, CHECKSUM_AT))
    .update(bytes.subarray(IDS_AT))
    .digest();
}

function problemOf(bytes: Buffer): string | undefined {
  if (bytes.length < IDS_AT || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    return 'it is not a pack index';
  }
  const version = bytes.readUInt32BE(8);
  const recordBytes = RECORD_BYTES.get(version);
  if (recordBytes === undefined) {
    return `its version is ${version}, this engine knows ${[...RECORD_BYTES.keys()].join(' and ')}`;
  }
  const idBytes = bytes.readUInt32BE(12);
  if (idBytes !== 20 && idBytes !== 32) {
    return `its ids are ${idBytes} bytes long`;
  }
  const expected = IDS_AT + bytes.readUInt32BE(16) * (idBytes + recordBytes);
  if (bytes.length !== expected) {
    return `it is ${bytes.length} bytes long instead of ${expected}`;
  }
  const stored = bytes.subarray(CHECKSUM_AT, IDS_AT);
  return checksum(bytes).equals(stored) ? undefined : 'its checksum does not match';
}
