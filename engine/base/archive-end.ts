// Whether all of a tar came. A part of one may end between two files, and nothing else tells it from a whole one.

const BLOCK_BYTES = 512;

/** Looks whether a tar ends as one does: with a block of zeros. */
export class ArchiveEnd {
  #tail = Buffer.alloc(0);

  /** Whether what has passed ends so. */
  get isThere(): boolean {
    return this.#tail.length === BLOCK_BYTES && this.#tail.every((byte) => byte === 0);
  }

  /** Lets the bytes of a tar pass. */
  async *watch(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) {
      const tail = Buffer.concat([this.#tail, chunk.subarray(-BLOCK_BYTES)]);
      this.#tail = tail.subarray(-BLOCK_BYTES);
      yield chunk;
    }
  }
}
