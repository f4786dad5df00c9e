// The memory in which chunks are collected: shared with the threads that hash, and used again, since the garbage collector
// does not notice how much of that kind there is.

import { sharedBuffer } from '../object/hash-threads.ts';
import { MAX_CHUNK_BYTES } from './chunker.ts';

/** So many stay for the next file. */
const MAX_FREE = 6;
/** While more are out than this, a file gets along with one. */
const PLENTY = 8;

const free: Buffer[] = [];
let taken = 0;
/** An upload that broke off gives nothing back. */
const lost = new FinalizationRegistry<undefined>(() => {
  taken -= 1;
});

/** Beside its payload, an entry of a pack has a frame. */
const FRAME_ROOM = 64;

/** Returns room for the longest chunk with its frame; memory is used only where it is written to. */
export function takeChunkBuffer(): Buffer {
  const buffer = free.pop() ?? sharedBuffer(MAX_CHUNK_BYTES + FRAME_ROOM);
  taken += 1;
  lost.register(buffer, undefined, buffer);
  return buffer;
}

/** Takes back what is not read any more, by no thread either. */
export function giveChunkBuffer(buffer: Buffer): void {
  taken -= 1;
  lost.unregister(buffer);
  if (free.length < MAX_FREE) {
    free.push(buffer);
  }
}

/** Returns whether a file may have several at once. */
export function hasPlenty(): boolean {
  return taken <= PLENTY;
}
