// The container of chunks: a pack in which each chunk of a large file, and each list of chunks, stands whole
// behind a frame that says what it is.

import { hash, webcrypto } from 'node:crypto';
import { EngineError } from '../base/errors.ts';
import { copyBytes } from '../object/copy-bytes.ts';
import { digest as digestShared, isShared } from '../object/hash-threads.ts';
import type { PackContainer } from '../object/open-pack.ts';
import { giveChunkBuffer, takeChunkBuffer } from './chunk-buffers.ts';
import { MAX_CHUNK_BYTES } from './chunker.ts';

/**
 * Layout, all integers big-endian. The pack: "pfschunk" (8), version 1 (4), count of entries (4), entries.
 * An entry: kind, 16 chunk or 17 list (4), length of the payload (4), id (32), payload.
 * A chunk's id is the SHA-256 of its payload; a list's is the SHA-256 of the file it describes.
 */
export const CHUNK_PACK: PackContainer = {
  kind: 'chunk',
  headerBytes: 16,
  trailerBytes: 0,
  header(objects) {
    const bytes = Buffer.alloc(16);
    bytes.write('pfschunk', 'latin1');
    bytes.writeUInt32BE(1, 8);
    bytes.writeUInt32BE(objects, 12);
    return bytes;
  },
};

/** From this size on another thread is worth its copy. */
const ASYNC_HASH_BYTES = 256 * 1024;

/** Bytes of an entry before its payload. */
export const FRAME_BYTES = 40;

export type ChunkKind = 'chunk' | 'list';

const CODES: Readonly<Record<ChunkKind, number>> = { chunk: 16, list: 17 };

/** Writes an entry; `target` is longer than the payload by {@link FRAME_BYTES}. */
export function writeEntry(
  target: Buffer,
  entry: { kind: ChunkKind; id: string; payload: Uint8Array },
): void {
  target.writeUInt32BE(CODES[entry.kind], 0);
  target.writeUInt32BE(entry.payload.length, 4);
  target.write(entry.id, 8, 'hex');
  copyBytes(target, entry.payload, FRAME_BYTES);
}

/** Returns the payload of an entry, which must be of that id; anything else is `corrupt`. */
export function readEntry(entry: Buffer, id: string): { kind: ChunkKind; payload: Buffer } {
  const code = entry.length < FRAME_BYTES ? 0 : entry.readUInt32BE(0);
  const kind = code === CODES.chunk ? 'chunk' : code === CODES.list ? 'list' : undefined;
  if (
    !kind ||
    entry.readUInt32BE(4) !== entry.length - FRAME_BYTES ||
    entry.toString('hex', 8, FRAME_BYTES) !== id
  ) {
    throw new EngineError('corrupt', `Cannot read chunk "${id}": its frame is damaged`);
  }
  return { kind, payload: entry.subarray(FRAME_BYTES) };
}

/** Returns the SHA-256 of a chunk in hex; a large one is hashed off the main thread. */
export async function chunkId(payload: Buffer): Promise<string> {
  if (payload.length < ASYNC_HASH_BYTES) {
    return hash('sha256', payload, 'hex');
  }
  if (isShared(payload)) {
    return (await digestShared('sha256', [payload])).toString('hex');
  }
  if (payload.length > MAX_CHUNK_BYTES) {
    const digest = await webcrypto.subtle.digest('SHA-256', payload as Buffer<ArrayBuffer>);
    return Buffer.from(digest).toString('hex');
  }
  // A copy into memory that is used again: new memory costs more than the copy.
  const buffer = takeChunkBuffer('read');
  try {
    copyBytes(buffer, payload);
    const digest = await digestShared('sha256', [buffer.subarray(0, payload.length)]);
    return digest.toString('hex');
  } finally {
    giveChunkBuffer(buffer);
  }
}

/** Narrows the kind that an index gives to the kinds of this room. */
export function chunkKind(id: string, kind: string): ChunkKind {
  if (kind !== 'chunk' && kind !== 'list') {
    throw new EngineError('corrupt', `Cannot read chunk "${id}": it is a ${kind}`);
  }
  return kind;
}
