// The checksum at the end of a zlib stream (RFC 1950 §8).

const MODULUS = 65_521;
/** So many bytes can be summed before the sums must be reduced to stay exact in 32 bits (a multiple of 8). */
const RUN_BYTES = 5552;

/** Returns the Adler-32 of the bytes. Unrolled: it runs over every byte that is stored. */
export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += RUN_BYTES) {
    const end = Math.min(start + RUN_BYTES, bytes.length);
    let i = start;
    for (const last = end - 7; i < last; i += 8) {
      a += bytes[i] as number;
      b += a;
      a += bytes[i + 1] as number;
      b += a;
      a += bytes[i + 2] as number;
      b += a;
      a += bytes[i + 3] as number;
      b += a;
      a += bytes[i + 4] as number;
      b += a;
      a += bytes[i + 5] as number;
      b += a;
      a += bytes[i + 6] as number;
      b += a;
      a += bytes[i + 7] as number;
      b += a;
    }
    for (; i < end; i++) {
      a += bytes[i] as number;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
