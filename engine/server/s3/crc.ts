// The cyclic redundancy checks that clients of S3 send along: CRC-32 (ISO-HDLC) and CRC-32C (Castagnoli).

import * as zlib from 'node:zlib';

function tableOf(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) {
      value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    }
    return value >>> 0;
  });
}

/** A sum over bytes that come in pieces. */
class Crc {
  readonly #table: Uint32Array;
  #value = 0;

  constructor(table: Uint32Array) {
    this.#table = table;
  }

  update(bytes: Uint8Array): void {
    let crc = ~this.#value;
    for (const byte of bytes) {
      crc = (crc >>> 8) ^ (this.#table[(crc ^ byte) & 0xff] ?? 0);
    }
    this.#value = ~crc >>> 0;
  }

  /** Returns its four bytes, the highest first. */
  digest(): Buffer {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(this.#value >>> 0);
    return digest;
  }
}

const CRC32 = tableOf(0xedb88320);
const CRC32C = tableOf(0x82f63b78);
/** Node's own, far quicker, is in versions from 20.15 and 22.2 on. */
const native = (zlib as { crc32?: (bytes: Uint8Array, value?: number) => number }).crc32;

export class Crc32 extends Crc {
  #sum = 0;

  constructor() {
    super(CRC32);
  }

  override update(bytes: Uint8Array): void {
    if (native) {
      this.#sum = native(bytes, this.#sum);
    } else {
      super.update(bytes);
    }
  }

  override digest(): Buffer {
    if (!native) {
      return super.digest();
    }
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(this.#sum);
    return digest;
  }
}

export class Crc32c extends Crc {
  constructor() {
    super(CRC32C);
  }
}
