// Git's packfile, version 2: how an object becomes an entry of a pack and comes back. Entries are whole objects, or
// deltas that name their base by id (REF_DELTA); zlib streams hold stored blocks unless compression pays.

import { promisify } from 'node:util';
import { deflate, deflateRawSync, deflateSync, inflate, inflateSync } from 'node:zlib';
import { EngineError } from '../base/errors.ts';
import { adler32 } from '../object/adler32.ts';
import { copyBytes } from '../object/copy-bytes.ts';
import type { PackContainer } from '../object/open-pack.ts';
import type { GitKind } from './object-id.ts';
import { ENTRY_KINDS, type EntryHeader, REF_DELTA, readEntryHeader } from './pack-entry.ts';

const TYPES: Readonly<Record<GitKind, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };
const ID_BYTES = 20;

/** The most that one stored block of a deflate stream holds (RFC 1951 §3.2.4). */
const BLOCK_BYTES = 65_535;
/** Objects below this are stored as they are: trying to compress them costs more than it saves. */
const COMPRESS_FROM_BYTES = 16 * 1024;
const SAMPLE_BYTES = 4096;
/** Compression pays when it saves at least a quarter. */
const PAYING_RATIO = 0.75;
/** Above this an entry is inflated off the main thread. */
const ASYNC_INFLATE_BYTES = 128 * 1024;

const deflateAsync = promisify(deflate) as (b: Uint8Array, o: { level: number }) => Promise<Buffer>;
const inflateAsync = promisify(inflate) as (b: Uint8Array, o: object) => Promise<Buffer>;

/** The frame of a Git pack: "PACK", version 2, count; a SHA-1 of everything at the end. */
export const GIT_PACK: PackContainer = {
  kind: 'git',
  headerBytes: 12,
  trailerBytes: 20,
  header(objects) {
    const bytes = Buffer.alloc(12);
    bytes.write('PACK', 'latin1');
    bytes.writeUInt32BE(2, 4);
    bytes.writeUInt32BE(objects, 8);
    return bytes;
  },
};

/** Returns the length of an entry that holds `size` bytes as they are. */
export function storedEntryBytes(size: number): number {
  const blocks = Math.max(1, Math.ceil(size / BLOCK_BYTES));
  return headerBytes(size) + 2 + blocks * 5 + size + 4;
}

/**
 * Writes an entry that holds the content as it is; `target` is as long as {@link storedEntryBytes} says. `adler` is the
 * content's checksum where it is known already.
 */
export function writeStoredEntry(
  target: Buffer,
  kind: GitKind,
  content: Uint8Array,
  adler: number = adler32(content),
): void {
  let at = writeHeader(target, TYPES[kind], content.length);
  target[at++] = 0x78;
  target[at++] = 0x01;
  let from = 0;
  do {
    const length = Math.min(BLOCK_BYTES, content.length - from);
    target[at] = from + length === content.length ? 1 : 0;
    target.writeUInt16LE(length, at + 1);
    target.writeUInt16LE(length ^ 0xffff, at + 3);
    const block = length === content.length ? content : content.subarray(from, from + length);
    copyBytes(target, block, at + 5);
    at += 5 + length;
    from += length;
  } while (from < content.length);
  target.writeUInt32BE(adler, at);
}

/** Returns the zlib stream of the content if compression pays, after a look at a sample; else undefined. */
export function compressIfPaying(content: Uint8Array): Promise<Buffer> | undefined {
  if (content.length < COMPRESS_FROM_BYTES) {
    return undefined;
  }
  const middle = Math.floor((content.length - SAMPLE_BYTES) / 2);
  const sample = content.subarray(middle, middle + SAMPLE_BYTES);
  const pays = deflateRawSync(sample, { level: 1 }).length < SAMPLE_BYTES * PAYING_RATIO;
  return pays ? deflateAsync(content, { level: 1 }) : undefined;
}

/** Returns the length of an entry with that zlib stream. */
export function deflatedEntryBytes(size: number, deflated: Uint8Array): number {
  return headerBytes(size) + deflated.length;
}

/** Writes an entry from the zlib stream of a content of `size` bytes. */
export function writeDeflatedEntry(
  target: Buffer,
  entry: { kind: GitKind; size: number; deflated: Uint8Array },
): void {
  target.set(entry.deflated, writeHeader(target, TYPES[entry.kind], entry.size));
}

/** Makes the entry of a delta of the object `base`. */
export async function deltaEntry(base: string, delta: Buffer): Promise<Buffer> {
  const deflated =
    delta.length < ASYNC_INFLATE_BYTES
      ? deflateSync(delta, { level: 6 })
      : await deflateAsync(delta, { level: 6 });
  const head = headerBytes(delta.length);
  const entry = Buffer.allocUnsafe(head + ID_BYTES + deflated.length);
  const at = writeHeader(entry, REF_DELTA, delta.length);
  entry.write(base, at, 'hex');
  deflated.copy(entry, at + ID_BYTES);
  return entry;
}

/** Reads the entry of a delta: the id of its base, and the delta. Anything else is `corrupt`. */
export async function decodeDelta(entry: Buffer): Promise<{ base: string; delta: Buffer }> {
  const { type, size, at } = readHeader(entry);
  if (type !== REF_DELTA) {
    throw new EngineError('corrupt', `Cannot read a pack entry: its type ${type} is no delta`);
  }
  const delta = await inflateEntry(entry.subarray(at + ID_BYTES), size);
  return { base: entry.toString('hex', at, at + ID_BYTES), delta };
}

/** What an entry holds. */
export interface DecodedEntry {
  readonly kind: GitKind;
  readonly content: Buffer;
}

/**
 * Reads one entry. The content may share memory with `entry`. Anything malformed is `corrupt`.
 */
export function decodeEntry(entry: Buffer): DecodedEntry | Promise<DecodedEntry> {
  const { type, size, at } = readHeader(entry);
  const kind = ENTRY_KINDS[type];
  if (!kind) {
    throw new EngineError('corrupt', `Cannot read a pack entry: its type ${type} is not supported`);
  }
  const stored = readStored(entry, at, size);
  if (stored) {
    return { kind, content: stored };
  }
  const content = inflateEntry(entry.subarray(at), size);
  return content instanceof Promise
    ? content.then((bytes) => ({ kind, content: bytes }))
    : { kind, content };
}

/** Inflates a stream of `size` bytes, a long one off the main thread. */
function inflateEntry(stream: Buffer, size: number): Buffer | Promise<Buffer> {
  if (size <= ASYNC_INFLATE_BYTES) {
    try {
      return check(inflateSync(stream, { maxOutputLength: size + 1 }), size);
    } catch (cause) {
      throw damaged(cause);
    }
  }
  return inflateAsync(stream, { maxOutputLength: size + 1 }).then(
    (content) => check(content, size),
    (cause: unknown) => {
      throw damaged(cause);
    },
  );
}

function check(content: Buffer, size: number): Buffer {
  if (content.length !== size) {
    throw damaged(new Error(`${content.length} bytes instead of ${size}`));
  }
  return content;
}

function damaged(cause: unknown): EngineError {
  return new EngineError('corrupt', 'Cannot read a pack entry: its zlib stream is damaged', {
    cause,
  });
}

/** Returns the content if all of the stream is one or more stored blocks; else undefined. */
function readStored(entry: Buffer, start: number, size: number): Buffer | undefined {
  if (storedEntryBytes(size) - headerBytes(size) !== entry.length - start) {
    return undefined;
  }
  let at = start + 2;
  if (size <= BLOCK_BYTES) {
    return entry[at] === 1 ? entry.subarray(at + 5, at + 5 + size) : undefined;
  }
  const content = Buffer.allocUnsafe(size);
  for (let to = 0; to < size; ) {
    const length = entry.readUInt16LE(at + 1);
    const last = to + length >= size;
    if (entry[at] !== (last ? 1 : 0) || length === 0 || to + length > size) {
      return undefined;
    }
    entry.copy(content, to, at + 5, at + 5 + length);
    at += 5 + length;
    to += length;
  }
  return content;
}

function headerBytes(size: number): number {
  let length = 1;
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    length += 1;
  }
  return length;
}

/** Type in bits 4–6 and the size's low four bits first, then seven bits at a time. */
function writeHeader(target: Buffer, type: number, size: number): number {
  let rest = Math.floor(size / 16);
  let byte = (type << 4) | (size & 15);
  let at = 0;
  while (rest > 0) {
    target[at++] = byte | 0x80;
    byte = rest & 0x7f;
    rest = Math.floor(rest / 128);
  }
  target[at++] = byte;
  return at;
}

function readHeader(entry: Buffer): EntryHeader {
  const header = readEntryHeader(entry);
  if (!header) {
    throw new EngineError('corrupt', 'Cannot read a pack entry: it is cut short');
  }
  return header;
}
