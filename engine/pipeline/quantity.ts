// Amounts of bytes and of CPUs as specs write them. Knows text and numbers, never a machine.

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const QUANTITY = /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([a-zA-Z]{0,2}))$/;

/**
 * Reads a quantity: a number, then a decimal suffix (`k`, `M`, `G`, `T`, `P`, `E`), a binary one (`Ki`, `Mi`, `Gi`, …), a
 * power of ten (`5e8`), `m` for thousandths, or nothing. Returns the plain number (bytes, for memory and disk), or
 * undefined where the text is no quantity. A `B` for bytes (`1GB`, `1GiB`) is taken too.
 */
export function parseQuantity(text: string): number | undefined {
  const bare = /[kKMGTPEi]B$/.test(text) ? text.slice(0, -1) : text;
  const [, digits, exponent, suffix = ''] = QUANTITY.exec(bare) ?? [];
  if (digits === undefined) {
    return undefined;
  }
  const factor = exponent === undefined ? SUFFIXES[suffix] : Number(`1${exponent}`);
  const value = factor === undefined ? Number.NaN : Number(digits) * factor;
  return Number.isFinite(value) ? value : undefined;
}

/** Reads an amount of CPUs, `2`, `0.5` or `500m` (thousandths). Returns CPUs, or undefined where the text is none. */
export function parseCpu(text: string): number | undefined {
  return /^(\d+(\.\d*)?|\.\d+)m?$/.test(text) ? parseQuantity(text) : undefined;
}
