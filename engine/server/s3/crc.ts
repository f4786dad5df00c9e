// The cyclic redundancy checks that clients of S3 send along: CRC-32 (ISO-HDLC), CRC-32C (Castagnoli) and CRC-64/NVME.

import * as zlib from 'node:zlib';

/** Bytes that are looked up at once. */
const STEP = 8;

/** A sum over bytes that come in pieces. */
export interface Crc {
  update(bytes: Uint8Array): void;
  /** Returns its bytes, the highest first. */
  digest(): Buffer;
}

/** What a byte, with so many bytes behind it, adds to a sum: low and high halves, 256 for each place. */
interface Tables {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/** Makes the tables of a reflected polynomial of up to 64 bits. */
function tablesOf(polynomial: bigint): Tables {
  const [low, high] = [new Uint32Array(STEP * 256), new Uint32Array(STEP * 256)];
  const all: bigint[] = [];
  for (let index = 0; index < STEP * 256; index++) {
    let value = BigInt(index);
    if (index < 256) {
      for (let bit = 0; bit < 8; bit++) {
        value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
      }
    } else {
      const before = all[index - 256] ?? 0n;
      value = (before >> 8n) ^ (all[Number(before & 0xffn)] ?? 0n);
    }
    all.push(value);
    low[index] = Number(value & 0xffffffffn);
    high[index] = Number(value >> 32n);
  }
  return { low, high };
}

const CRC32 = tablesOf(0xedb88320n);
const CRC32C = tablesOf(0x82f63b78n);
const CRC64NVME = tablesOf(0x9a6c9329ac4bc9b5n);
/** Node's own, far quicker, is in versions from 20.15 and 22.2 on. */
const native = (zlib as { crc32?: (bytes: Uint8Array, value?: number) => number }).crc32;

/** Sums of up to 64 bits, eight bytes at a time. */
class TableCrc implements Crc {
  readonly #tables: Tables;
  readonly #isLong: boolean;
  #low = 0;
  #high = 0;

  constructor(tables: Tables, bits: 32 | 64) {
    this.#tables = tables;
    this.#isLong = bits === 64;
  }

  update(bytes: Uint8Array): void {
    const { low, high } = this.#tables;
    const isLong = this.#isLong;
    let a = ~this.#low;
    let b = isLong ? ~this.#high : 0;
    const whole = bytes.length - (bytes.length % STEP);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (; at < whole; at += STEP) {
      const x = a ^ view.getInt32(at, true);
      const y = b ^ view.getInt32(at + 4, true);
      // Where the table of each byte begins: the first has seven behind it.
      const i = 1792 | (x & 0xff);
      const j = 1536 | ((x >>> 8) & 0xff);
      const k = 1280 | ((x >>> 16) & 0xff);
      const l = 1024 | (x >>> 24);
      const m = 768 | (y & 0xff);
      const n = 512 | ((y >>> 8) & 0xff);
      const o = 256 | ((y >>> 16) & 0xff);
      const p = y >>> 24;
      a = of(low, i) ^ of(low, j) ^ of(low, k) ^ of(low, l);
      a ^= of(low, m) ^ of(low, n) ^ of(low, o) ^ of(low, p);
      if (isLong) {
        b = of(high, i) ^ of(high, j) ^ of(high, k) ^ of(high, l);
        b ^= of(high, m) ^ of(high, n) ^ of(high, o) ^ of(high, p);
      }
    }
    for (; at < bytes.length; at++) {
      const index = (a ^ (bytes[at] ?? 0)) & 0xff;
      a = ((a >>> 8) | (b << 24)) ^ of(low, index);
      b = (b >>> 8) ^ of(high, index);
    }
    this.#low = ~a;
    this.#high = this.#isLong ? ~b : 0;
  }

  digest(): Buffer {
    const digest = Buffer.alloc(8);
    digest.writeInt32BE(this.#high | 0, 0);
    digest.writeInt32BE(this.#low | 0, 4);
    return this.#isLong ? digest : digest.subarray(4);
  }
}

function of(table: Uint32Array, index: number): number {
  return table[index] ?? 0;
}

class NativeCrc32 implements Crc {
  readonly #crc32: NonNullable<typeof native>;
  #sum = 0;

  constructor(crc32: NonNullable<typeof native>) {
    this.#crc32 = crc32;
  }

  update(bytes: Uint8Array): void {
    this.#sum = this.#crc32(bytes, this.#sum);
  }

  digest(): Buffer {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(this.#sum);
    return digest;
  }
}

export function crc32(): Crc {
  return native ? new NativeCrc32(native) : new TableCrc(CRC32, 32);
}

export function crc32c(): Crc {
  return new TableCrc(CRC32C, 32);
}

export function crc64nvme(): Crc {
  return new TableCrc(CRC64NVME, 64);
}
