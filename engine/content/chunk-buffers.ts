// The memory in which chunks are collected: shared with the threads that hash, and used again, since the garbage collector
// does not notice how much of that kind there is. Who reads slowly takes nothing from those who write, nor the reverse.

import { sharedBuffer } from '../object/hash-threads.ts';
import { MAX_CHUNK_BYTES } from './chunker.ts';

/** What a buffer is out for. */
export type ChunkUse = 'read' | 'write';

/** So many stay for the next file. */
const MAX_FREE = 6;
/** While no more than this are out, a file may have several. */
const PLENTY = 9;
/** Of these so many are there for either use, whatever the other does: as many as one file can have. */
const SHARE = 3;

const free: Buffer[] = [];
const taken = { read: 0, write: 0 };
const uses = new WeakMap<Buffer, ChunkUse>();
/** An upload that broke off gives nothing back. */
const lost = new FinalizationRegistry<ChunkUse>((use) => {
  taken[use] -= 1;
});

/** Beside its payload, an entry of a pack has a frame. */
const FRAME_ROOM = 64;

/** Returns room for the longest chunk with its frame; memory is used only where it is written to. */
export function takeChunkBuffer(use: ChunkUse): Buffer {
  const buffer = free.pop() ?? sharedBuffer(MAX_CHUNK_BYTES + FRAME_ROOM);
  taken[use] += 1;
  uses.set(buffer, use);
  lost.register(buffer, use, buffer);
  return buffer;
}

/** Takes back what is not read any more, by no thread either. */
export function giveChunkBuffer(buffer: Buffer): void {
  const use = uses.get(buffer);
  if (use === undefined) {
    return;
  }
  uses.delete(buffer);
  taken[use] -= 1;
  lost.unregister(buffer);
  if (free.length < MAX_FREE) {
    free.push(buffer);
  }
}

/** Returns whether a file may have one more for that use, beside those that it cannot do without. */
export function hasPlenty(use: ChunkUse): boolean {
  const others = taken[use === 'read' ? 'write' : 'read'];
  return taken[use] < SHARE || taken[use] + Math.max(others, SHARE) < PLENTY;
}
