// Bands: what the server sends side by side in one answer (gitprotocol-pack, "side-band-64k").

import { lengthOf } from '../../git/pkt-line.ts';

/** What of a band fits into a line, beside the byte that names it. */
const BAND_BYTES = 65_515;

/** Data, what the user is shown, and what ends the answer. */
export const DATA_BAND = 1;
export const PROGRESS_BAND = 2;
export const ERROR_BAND = 3;

/** Yields bytes on a band, in as many lines as they need. They are not copied. */
export function* onBand(band: number, bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += BAND_BYTES) {
    const part = bytes.subarray(at, at + BAND_BYTES);
    yield Buffer.concat([Buffer.from(lengthOf(part.length + 1), 'latin1'), Buffer.from([band])]);
    yield part;
  }
}
