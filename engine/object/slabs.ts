// Memory for packs in the making that is used again. Large buffers that come and go make the garbage collector look at
// everything each time, and of those that are shared with threads it does not even notice how much there is.

import { sharedBuffer } from './hash-threads.ts';

const MiB = 1024 * 1024;
/** Slabs up to this size are shared with the threads that hash. */
export const SHARED_SLAB_BYTES = MiB;
/** What a stream of large entries gets, once it is clear that it is one. */
export const LARGE_SLAB_BYTES = 40 * MiB;
/** Of each size so many bytes are kept for the next packs. */
const MAX_FREE_BYTES = 32 * MiB;

const free = new Map<number, Buffer[]>();

/** Returns memory of that many bytes; what is in it is anything. */
export function takeSlab(bytes: number): Buffer {
  const known = free.get(bytes)?.pop();
  return (
    known ?? (bytes <= SHARED_SLAB_BYTES ? sharedBuffer(bytes) : Buffer.allocUnsafeSlow(bytes))
  );
}

/** Takes back memory that nobody reads any more. */
export function giveSlab(buffer: Buffer): void {
  const bytes = buffer.length;
  if (bytes > SHARED_SLAB_BYTES && bytes !== LARGE_SLAB_BYTES) {
    return;
  }
  const same = free.get(bytes) ?? [];
  free.set(bytes, same);
  if (same.length === 0 || (same.length + 1) * bytes <= MAX_FREE_BYTES) {
    same.push(buffer);
  }
}
