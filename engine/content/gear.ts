// The table of the chunker's hash: part of the format.

import { createHash } from 'node:crypto';

/** One number per byte value: the first four bytes of the SHA-256 of `pfs gear <value>`, big-endian. */
export const GEAR: Int32Array = Int32Array.from({ length: 256 }, (_, value) =>
  createHash('sha256').update(`pfs gear ${value}`).digest().readInt32BE(0),
);
