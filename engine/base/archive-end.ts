// Whether all of a tar came. A part of one may end between two files, and nothing but its end tells a whole one from that. The format
// is that of pax (IEEE Std 1003.1): headers of one block, each with its data behind it, and a block of zeros where there is none more.

const BLOCK_BYTES = 512;
/** Where a header has the size of its data, and its type. */
const SIZE_AT = 124;
const SIZE_END = 136;
const TYPE_AT = 156;
const DIRECTORY = '5';
/** Headers whose data say something of the files to come: pax, for one or for all, and long names of GNU. */
const OF_NEXT = /[xgLK]/;
/** Longer ones hold nothing that we need. */
const MAX_PAX_BYTES = 64 * 1024;

/** Looks whether a tar ends as one does: with a block of zeros where another header could be. */
export class ArchiveEnd {
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  /** How much of the next header has passed. */
  #filled = 0;
  /** Bytes up to the next header. */
  #skip = 0;
  /** What the data of a pax header say of the next file. */
  #pax: { text: string; left: number } | undefined;
  #size: number | undefined;
  #isThere = false;

  /** Whether the end has passed. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** Lets the bytes of a tar pass. */
  async *watch(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) {
      this.#pass(chunk);
      yield chunk;
    }
  }

  #pass(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && !this.#isThere; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#readPax(chunk.subarray(at, at + skipped));
        this.#skip -= skipped;
        at += skipped;
      } else {
        const taken = chunk.copy(this.#block, this.#filled, at);
        this.#filled += taken;
        at += taken;
        if (this.#filled === BLOCK_BYTES) {
          this.#filled = 0;
          this.#readHeader();
        }
      }
    }
  }

  #readHeader(): void {
    const block = this.#block;
    if (block.every((byte) => byte === 0)) {
      this.#isThere = true;
      return;
    }
    const type = block.toString('latin1', TYPE_AT, TYPE_AT + 1);
    const size = numberIn(block.subarray(SIZE_AT, SIZE_END));
    if (OF_NEXT.test(type)) {
      this.#pax = type === 'x' && size <= MAX_PAX_BYTES ? { text: '', left: size } : undefined;
      this.#skip = padded(size);
    } else {
      this.#skip = type === DIRECTORY ? 0 : padded(this.#size ?? size);
      this.#size = undefined;
    }
  }

  #readPax(data: Buffer): void {
    const pax = this.#pax;
    if (!pax) {
      return;
    }
    const part = data.subarray(0, pax.left);
    pax.text += part.toString('latin1');
    pax.left -= part.length;
    if (pax.left === 0) {
      this.#pax = undefined;
      const size = /(?:^|\n)\d+ size=(\d+)\n/.exec(pax.text)?.[1];
      this.#size = size === undefined ? undefined : Number(size);
    }
  }
}

/** Returns a number of a header: octal digits, or bytes where the first bit is set. */
function numberIn(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  return Number.parseInt(field.toString('latin1').replaceAll('\0', ' ').trim(), 8) || 0;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
