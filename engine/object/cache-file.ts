// The form of one file of the local cache: an object with checksums, so that nothing damaged is ever served.
//
//   content | CRC-32 of each 64 KiB block of it | footer
//   footer: "pfscache", length of content (u64), first 8 bytes of SHA-256 of the key, CRC-32 of all checksums
//   and of the footer up to here (u32). Numbers are big-endian.

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const BLOCK_BYTES = 64 * 1024;
const MAGIC = Buffer.from('pfscache');
const KEY_BYTES = 8;
const FOOTER_BYTES = MAGIC.length + 8 + KEY_BYTES + 4;

/** Returns what follows the content of the object at `key` in its file. */
export function encodeTail(key: string, content: Uint8Array): Buffer {
  const blocks = Math.ceil(content.length / BLOCK_BYTES);
  const tail = Buffer.alloc(blocks * 4 + FOOTER_BYTES);
  for (let block = 0; block < blocks; block++) {
    tail.writeUInt32BE(crc32(blockOf(content, block)), block * 4);
  }
  let offset = blocks * 4;
  offset += MAGIC.copy(tail, offset);
  offset = tail.writeBigUInt64BE(BigInt(content.length), offset);
  offset += keyMark(key).copy(tail, offset);
  tail.writeUInt32BE(crc32(tail.subarray(0, offset)), offset);
  return tail;
}

/** Returns the size of the content and of the tail of a file of `fileBytes` bytes; undefined when it is none of ours. */
export function sizesOf(fileBytes: number): { content: number; tail: number } | undefined {
  const rest = fileBytes - FOOTER_BYTES;
  const blocks = Math.ceil(rest / (BLOCK_BYTES + 4));
  const content = rest - blocks * 4;
  if (content < 0 || Math.ceil(content / BLOCK_BYTES) !== blocks) {
    return undefined;
  }
  return { content, tail: fileBytes - content };
}

/** Returns whether `tail` is the undamaged tail of a file with `size` bytes of content of the object at `key`. */
export function isTailOf(key: string, tail: Buffer, size: number): boolean {
  const end = tail.length - 4;
  const mark = end - KEY_BYTES;
  const length = mark - 8;
  return (
    tail.readUInt32BE(end) === crc32(tail.subarray(0, end)) &&
    tail.subarray(mark, end).equals(keyMark(key)) &&
    tail.readBigUInt64BE(length) === BigInt(size) &&
    tail.subarray(length - MAGIC.length, length).equals(MAGIC)
  );
}

/** Returns the smallest range of whole blocks around `range`, in content of `size` bytes. */
export function blocksAround(
  range: { start: number; end: number },
  size: number,
): { start: number; end: number } {
  const start = Math.floor(range.start / BLOCK_BYTES) * BLOCK_BYTES;
  const end = Math.min(size, Math.ceil(range.end / BLOCK_BYTES) * BLOCK_BYTES);
  return { start: Math.min(start, end), end };
}

/** Returns whether `bytes`, whole blocks of the content from `start` on, have the checksums that `tail` lists. */
export function areSound(bytes: Uint8Array, options: { start: number; tail: Buffer }): boolean {
  const first = options.start / BLOCK_BYTES;
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES);
  for (let block = 0; block < blocks; block++) {
    if (crc32(blockOf(bytes, block)) !== options.tail.readUInt32BE((first + block) * 4)) {
      return false;
    }
  }
  return true;
}

function blockOf(bytes: Uint8Array, block: number): Uint8Array {
  return bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
}

function keyMark(key: string): Buffer {
  return createHash('sha256').update(key).digest().subarray(0, KEY_BYTES);
}
