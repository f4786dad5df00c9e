// The checksum at the end of a zlib stream (RFC 1950 §8).

const MODULUS = 65_521;
/** So many bytes can be summed before the sums must be reduced to stay exact in 32 bits. */
const RUN_BYTES = 5552;

/** Returns the Adler-32 of the bytes. */
export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += RUN_BYTES) {
    const end = Math.min(start + RUN_BYTES, bytes.length);
    for (let i = start; i < end; i++) {
      a = (a + (bytes[i] as number)) | 0;
      b = (b + a) | 0;
    }
    a = (a >>> 0) % MODULUS;
    b = (b >>> 0) % MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
