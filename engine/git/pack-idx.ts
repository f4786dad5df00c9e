// Git's own index of a pack, for exports: made from ours and the pack's bytes.

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { PackIndex } from '../object/pack-index.ts';

const TRAILER_BYTES = 20;

/** Returns the `.idx` (version 2) of a whole Git pack in memory, which `index` describes. */
export function toGitIdx(index: PackIndex, pack: Buffer): Buffer {
  const { count } = index;
  const idsAt = 8 + 1024;
  const crcsAt = idsAt + count * 20;
  const offsetsAt = crcsAt + count * 4;
  const end = offsetsAt + count * 4;
  const idx = Buffer.alloc(end + 2 * TRAILER_BYTES);
  idx.writeUInt32BE(0xff744f63, 0);
  idx.writeUInt32BE(2, 4);
  let position = 0;
  for (const entry of index.entries()) {
    idx.write(entry.id, idsAt + position * 20, 'hex');
    const bytes = pack.subarray(entry.offset, entry.offset + entry.stored);
    idx.writeUInt32BE(crc32(bytes), crcsAt + position * 4);
    idx.writeUInt32BE(entry.offset, offsetsAt + position * 4);
    position += 1;
    const fanAt = 8 + (idx[idsAt + (position - 1) * 20] ?? 0) * 4;
    idx.writeUInt32BE(position, fanAt);
  }
  for (let at = 12; at < idsAt; at += 4) {
    idx.writeUInt32BE(Math.max(idx.readUInt32BE(at), idx.readUInt32BE(at - 4)), at);
  }
  pack.copy(idx, end, pack.length - TRAILER_BYTES);
  createHash('sha1')
    .update(idx.subarray(0, end + TRAILER_BYTES))
    .digest()
    .copy(idx, end + TRAILER_BYTES);
  return idx;
}
