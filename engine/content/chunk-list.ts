// The list that says of which chunks a large file consists. A file of a single chunk has none.

import { createHash } from 'node:crypto';
import { EngineError } from '../base/errors.ts';

/** One chunk of a file: its SHA-256 in hex and its length in bytes. */
export interface ChunkRef {
  readonly id: string;
  readonly bytes: number;
}

/** A large file as its list describes it. */
export interface ChunkList {
  readonly size: number;
  readonly chunks: readonly ChunkRef[];
}

const MAGIC = 'pfs-list';
const HEADER_BYTES = 24;
const ROW_BYTES = 36;
const CHECKSUM_BYTES = 32;

/**
 * Returns the stored form, all integers big-endian: "pfs-list" (8), version 1 (4), count (4), file size (8); per
 * chunk SHA-256 (32) and length (4); SHA-256 of all of this (32).
 */
export function encodeChunkList(chunks: readonly ChunkRef[]): Buffer {
  const end = HEADER_BYTES + chunks.length * ROW_BYTES;
  const bytes = Buffer.alloc(end + CHECKSUM_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32BE(1, 8);
  bytes.writeUInt32BE(chunks.length, 12);
  let size = 0;
  let at = HEADER_BYTES;
  for (const chunk of chunks) {
    bytes.write(chunk.id, at, 'hex');
    bytes.writeUInt32BE(chunk.bytes, at + 32);
    at += ROW_BYTES;
    size += chunk.bytes;
  }
  bytes.writeBigUInt64BE(BigInt(size), 16);
  checksum(bytes).copy(bytes, end);
  return bytes;
}

/** Reads the stored form of the list of the file of that SHA-256; a damaged one is `corrupt`. */
export function decodeChunkList(bytes: Buffer, file: string): ChunkList {
  const intact =
    bytes.length >= HEADER_BYTES + CHECKSUM_BYTES &&
    bytes.toString('latin1', 0, 8) === MAGIC &&
    bytes.readUInt32BE(8) === 1 &&
    bytes.length === HEADER_BYTES + bytes.readUInt32BE(12) * ROW_BYTES + CHECKSUM_BYTES &&
    checksum(bytes).equals(bytes.subarray(-CHECKSUM_BYTES));
  if (!intact) {
    throw new EngineError('corrupt', `Cannot read large file "${file}": its chunk list is damaged`);
  }
  const chunks: ChunkRef[] = [];
  for (let at = HEADER_BYTES; at < bytes.length - CHECKSUM_BYTES; at += ROW_BYTES) {
    chunks.push({ id: bytes.toString('hex', at, at + 32), bytes: bytes.readUInt32BE(at + 32) });
  }
  return { size: Number(bytes.readBigUInt64BE(16)), chunks };
}

function checksum(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes.subarray(0, -CHECKSUM_BYTES)).digest();
}
