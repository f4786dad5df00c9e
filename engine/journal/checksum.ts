// The checksum of objects that are JSON text: the first field of the object, over all bytes after it. Packs, pages and
// indexes have checks of their own; without this one a flipped bit in an id would be read as another id.

import { hash } from 'node:crypto';

const START = '{"sum":"';
const SUM_DIGITS = 64;
/** Where the summed bytes begin: after `{"sum":"<64 digits>",`. */
const SUMMED_AT = START.length + SUM_DIGITS + 2;

/** Returns the bytes of a JSON object with its checksum put first: the SHA-256, in hex, of all that follows `"sum":"…",`. */
export function encodeSummed(json: string): Buffer {
  const bytes = Buffer.from(`${START}${'0'.repeat(SUM_DIGITS)}",${json.slice(1)}`);
  bytes.write(hash('sha256', bytes.subarray(SUMMED_AT), 'hex'), START.length, 'latin1');
  return bytes;
}

/** Returns whether the checksum is right. Objects of the first engines, which wrote none, have nothing to be wrong. */
export function hasRightSum(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.toString('latin1', 0, START.length) !== START) {
    return true;
  }
  const sum = view.toString('latin1', START.length, START.length + SUM_DIGITS);
  return sum === hash('sha256', view.subarray(SUMMED_AT), 'hex');
}
