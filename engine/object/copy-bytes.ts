// Copies between memory that threads share and memory that they don't.

/** Below this a call into the system's library costs more than it saves. */
const FAST_FROM_BYTES = 512;

/**
 * Copies all of `source` into `target`, from `at` on. To and from shared memory `set` goes byte by byte wherever the two are not
 * aligned alike, at a fifth of the speed; filling a buffer with another of the same length is a plain copy.
 */
export function copyBytes(target: Uint8Array, source: Uint8Array, at = 0): void {
  if (source.length < FAST_FROM_BYTES) {
    target.set(source, at);
    return;
  }
  if (at + source.length > target.length) {
    throw new RangeError('no room was made for the bytes');
  }
  Buffer.prototype.fill.call(target, source, at, at + source.length);
}
