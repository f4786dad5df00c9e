// Memory for packs in the making: shared with the threads that hash, and used again, since the garbage collector does not
// notice how much of that kind there is.

import { isShared, sharedBuffer } from './hash-threads.ts';

/** What is kept for the next packs. */
const MAX_FREE_BYTES = 32 * 1024 * 1024;

const free = new Map<number, Buffer[]>();
let freeBytes = 0;

/** Returns shared memory of that many bytes; what is in it is anything. */
export function takeSlab(bytes: number): Buffer {
  const known = free.get(bytes)?.pop();
  if (known) {
    freeBytes -= bytes;
  }
  return known ?? sharedBuffer(bytes);
}

/** Takes back memory that nobody reads any more; only what is shared is kept. */
export function giveSlab(buffer: Buffer): void {
  const bytes = buffer.length;
  if (isShared(buffer) && freeBytes + bytes <= MAX_FREE_BYTES) {
    const same = free.get(bytes) ?? [];
    same.push(buffer);
    free.set(bytes, same);
    freeBytes += bytes;
  }
}
