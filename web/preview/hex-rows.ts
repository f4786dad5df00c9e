// Bytes as people read them: sixteen in a row, in hex and as characters.

export const ROW_BYTES = 16;

/** One row of bytes. */
export interface HexRow {
  /** Where it begins, in hex. */
  readonly offset: string;
  /** Two groups of eight bytes. */
  readonly hex: string;
  readonly text: string;
}

/** Returns the row with this number; `bytes` begin with the file. */
export function hexRow(bytes: Uint8Array, row: number): HexRow {
  const part = bytes.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES);
  const pairs = Array.from(part, (byte) => byte.toString(16).padStart(2, '0'));
  return {
    offset: (row * ROW_BYTES).toString(16).padStart(8, '0'),
    hex: `${pairs.slice(0, 8).join(' ')}  ${pairs.slice(8).join(' ')}`.padEnd(ROW_BYTES * 3),
    text: Array.from(part, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
    ).join(''),
  };
}
