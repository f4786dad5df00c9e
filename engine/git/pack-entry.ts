// The beginning of an entry of a Git pack, and its zlib stream, for everybody who takes packs apart. An entry doesn't say how
// long it is: only who has inflated it knows.

import { inflateSync } from 'node:zlib';
import type { GitKind } from './object-id.ts';

export const OFS_DELTA = 6;
export const REF_DELTA = 7;

/** What whole objects are, by the type of their entries; undefined for any other type. */
export const ENTRY_KINDS: readonly (GitKind | undefined)[] = [
  undefined,
  'commit',
  'tree',
  'blob',
  'tag',
];

export interface EntryHeader {
  readonly type: number;
  /** Of what the stream holds, in bytes: an object, or a delta. */
  readonly size: number;
  /** Where in the bytes the header ends. */
  readonly at: number;
}

/** Reads the header of the entry at `start`; undefined where the bytes end in the middle of it, or it makes no sense. */
export function readEntryHeader(bytes: Buffer, start = 0): EntryHeader | undefined {
  let at = start;
  let byte = bytes[at++] ?? 0;
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = bytes[at++] ?? 0;
    size += (byte & 0x7f) * factor;
  }
  return at > bytes.length || !Number.isSafeInteger(size) ? undefined : { type, size, at };
}

/** Inflates the stream that bytes begin with, which must hold exactly `size` bytes; throws where it doesn't. */
export function inflateFrom(bytes: Buffer, size: number): { content: Buffer; used: number } {
  // With `info`, zlib also tells how much it read.
  const { buffer, engine } = inflateSync(bytes, {
    maxOutputLength: Math.max(1, size),
    info: true,
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  if (buffer.length !== size) {
    throw new Error(`${buffer.length} bytes instead of ${size}`);
  }
  return { content: buffer, used: engine.bytesWritten };
}
