// Git's deltas: an object as a recipe of pieces of another one and of bytes that it does not have. Deltas of trees made
// here copy and insert whole entries, so that what a delta inserts can be read as entries without its base.

import { EngineError } from '../base/errors.ts';

/** The most that one copy takes in Git's format of packs of version 2. */
const MAX_COPY = 0xff_ffff;
const MAX_INSERT = 127;
const ID_BYTES = 20;
const COPY = 0x80;

/** What a delta consists of: a piece of its base, or bytes of its own. */
export type DeltaPart =
  | { readonly kind: 'copy'; readonly start: number; readonly end: number }
  | { readonly kind: 'insert'; readonly bytes: Buffer };

/** A delta taken apart. */
export interface Delta {
  readonly baseBytes: number;
  readonly bytes: number;
  readonly parts: readonly DeltaPart[];
}

/** Returns how long the object is that a delta makes, by what it says itself. */
export function deltaBytes(delta: Buffer): number {
  return readSizes(delta).bytes;
}

function readSizes(delta: Buffer): { baseBytes: number; bytes: number; at: number } {
  let at = 0;
  const size = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = delta[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        return value;
      }
    }
  };
  const [baseBytes, bytes] = [size(), size()];
  return { baseBytes, bytes, at };
}

/** Takes a delta apart. Anything malformed is `corrupt`. */
export function parseDelta(delta: Buffer): Delta {
  const sizes = readSizes(delta);
  const { baseBytes, bytes } = sizes;
  let { at } = sizes;
  const parts: DeltaPart[] = [];
  let made = 0;
  while (at < delta.length) {
    const code = delta[at++] ?? 0;
    if (code & COPY) {
      let start = 0;
      let length = 0;
      for (let i = 0; i < 4; i++) {
        start += code & (1 << i) ? (delta[at++] ?? 0) * 256 ** i : 0;
      }
      for (let i = 0; i < 3; i++) {
        length += code & (16 << i) ? (delta[at++] ?? 0) * 256 ** i : 0;
      }
      length ||= 0x1_0000;
      if (start + length > baseBytes) {
        throw malformed();
      }
      parts.push({ kind: 'copy', start, end: start + length });
      made += length;
    } else {
      if (code === 0 || at + code > delta.length) {
        throw malformed();
      }
      parts.push({ kind: 'insert', bytes: delta.subarray(at, at + code) });
      at += code;
      made += code;
    }
  }
  if (made !== bytes || at !== delta.length) {
    throw malformed();
  }
  return { baseBytes, bytes, parts };
}

/** Returns what a delta makes of its base. A base of another length, or a malformed delta, is `corrupt`. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const { baseBytes, bytes, parts } = parseDelta(delta);
  if (base.length !== baseBytes) {
    throw malformed();
  }
  const result = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const part of parts) {
    at +=
      part.kind === 'copy'
        ? base.copy(result, at, part.start, part.end)
        : part.bytes.copy(result, at);
  }
  return result;
}

/** Returns the bytes that a delta does not take from its base, in order. */
export function insertedBytes(delta: Buffer): Buffer {
  const { parts } = parseDelta(delta);
  return Buffer.concat(parts.flatMap((part) => (part.kind === 'insert' ? [part.bytes] : [])));
}

/**
 * Returns the delta that makes the tree `target` of the tree `base`, both as Git stores them; undefined when it would be
 * longer than `maxBytes`. Costs what walking over both costs.
 */
export function treeDelta(base: Buffer, target: Buffer, maxBytes: number): Buffer | undefined {
  const writer = new DeltaWriter({ base, target, maxBytes });
  let old = 0;
  let at = 0;
  while (at < target.length && writer.bytes <= maxBytes) {
    const end = entryEnd(target, at);
    let order = -1;
    let oldEnd = old;
    while (old < base.length) {
      oldEnd = entryEnd(base, old);
      order = compareNames(base, old, target, at);
      if (order >= 0) {
        break;
      }
      old = oldEnd;
    }
    const isSame =
      order === 0 && oldEnd - old === end - at && base.compare(target, at, end, old, oldEnd) === 0;
    if (isSame) {
      writer.copy(old, oldEnd);
    } else {
      writer.insert(at, end);
    }
    if (order === 0) {
      old = oldEnd;
    }
    at = end;
  }
  return writer.finish();
}

/** Returns where the entry of a tree that begins at `at` ends. */
export function entryEnd(tree: Buffer, at: number): number {
  let end = at;
  while (end < tree.length && tree[end] !== 0) {
    end += 1;
  }
  end += 1 + ID_BYTES;
  if (end > tree.length) {
    throw new EngineError('corrupt', 'Cannot read a directory: it ends in the middle of an entry');
  }
  return end;
}

/** Gathers a delta; neighbouring pieces become one. */
class DeltaWriter {
  readonly #target: Buffer;
  readonly #maxBytes: number;
  #parts: Buffer[];
  #copy: { start: number; end: number } | undefined;
  #insert: { start: number; end: number } | undefined;
  #bytes: number;

  constructor(options: { base: Buffer; target: Buffer; maxBytes: number }) {
    this.#target = options.target;
    this.#maxBytes = options.maxBytes;
    this.#parts = [sizeBytes(options.base.length), sizeBytes(options.target.length)];
    this.#bytes = this.#parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** Length so far, without the piece that is still growing. */
  get bytes(): number {
    return this.#bytes;
  }

  copy(start: number, end: number): void {
    this.#flushInsert();
    if (this.#copy?.end === start) {
      this.#copy.end = end;
    } else {
      this.#flushCopy();
      this.#copy = { start, end };
    }
  }

  insert(start: number, end: number): void {
    this.#flushCopy();
    if (this.#insert) {
      this.#insert.end = end;
    } else {
      this.#insert = { start, end };
    }
  }

  finish(): Buffer | undefined {
    this.#flushCopy();
    this.#flushInsert();
    return this.#bytes > this.#maxBytes ? undefined : Buffer.concat(this.#parts, this.#bytes);
  }

  #flushCopy(): void {
    const { start = 0, end = 0 } = this.#copy ?? {};
    this.#copy = undefined;
    for (let at = start; at < end; at += MAX_COPY) {
      this.#add(copyCommand(at, Math.min(MAX_COPY, end - at)));
    }
  }

  #flushInsert(): void {
    const { start = 0, end = 0 } = this.#insert ?? {};
    this.#insert = undefined;
    for (let at = start; at < end; at += MAX_INSERT) {
      const length = Math.min(MAX_INSERT, end - at);
      this.#add(Buffer.from([length]));
      this.#add(this.#target.subarray(at, at + length));
    }
  }

  #add(part: Buffer): void {
    this.#parts.push(part);
    this.#bytes += part.length;
  }
}

function copyCommand(start: number, length: number): Buffer {
  const bytes: number[] = [];
  let code = COPY;
  for (let i = 0; i < 4; i++) {
    const byte = Math.floor(start / 256 ** i) % 256;
    if (byte !== 0) {
      code |= 1 << i;
      bytes.push(byte);
    }
  }
  for (let i = 0; i < 3; i++) {
    const byte = Math.floor(length / 256 ** i) % 256;
    if (byte !== 0) {
      code |= 16 << i;
      bytes.push(byte);
    }
  }
  return Buffer.from([code, ...bytes]);
}

function sizeBytes(size: number): Buffer {
  const bytes: number[] = [];
  let rest = size;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Compares the names of two entries in Git's order: by their bytes, a directory's as if it ended in a slash. */
function compareNames(a: Buffer, atA: number, b: Buffer, atB: number): number {
  const isTreeA = a[atA] === 0x34;
  const isTreeB = b[atB] === 0x34;
  // A mode has six digits, or of a directory five, and a space after it.
  let i = atA + (isTreeA ? 6 : 7);
  let j = atB + (isTreeB ? 6 : 7);
  for (;;) {
    const x = a[i] ?? 0;
    const y = b[j] ?? 0;
    if (x === 0 || y === 0) {
      return (x === 0 && isTreeA ? 0x2f : x) - (y === 0 && isTreeB ? 0x2f : y);
    }
    if (x !== y) {
      return x - y;
    }
    i += 1;
    j += 1;
  }
}

function malformed(): EngineError {
  return new EngineError('corrupt', 'Cannot read a pack entry: its delta is damaged');
}
