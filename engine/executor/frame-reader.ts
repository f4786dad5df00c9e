// Takes apart the stream of a container without a terminal. Knows nothing of what is in it.

/** Which of a container's streams bytes came from. */
export type FrameStream = 'stdout' | 'stderr';

const HEADER_BYTES = 8;

/**
 * Splits the attach stream of the Docker API into its frames: one byte for the stream, three of zero, the length of the
 * payload as a 32-bit big-endian number, the payload. Payloads are given out as they arrive, not copied and not put
 * together again.
 */
export class FrameReader {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #left = 0;
  #stream: FrameStream = 'stdout';

  /** Yields the pieces of payload in `chunk`, each with the stream it belongs to. */
  *read(chunk: Buffer): Generator<{ stream: FrameStream; payload: Buffer }> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const taken = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at);
        chunk.copy(this.#header, this.#headerBytes, at, at + taken);
        this.#headerBytes += taken;
        at += taken;
        if (this.#headerBytes === HEADER_BYTES) {
          this.#headerBytes = 0;
          this.#stream = this.#header[0] === 2 ? 'stderr' : 'stdout';
          this.#left = this.#header.readUInt32BE(4);
        }
      } else {
        const taken = Math.min(this.#left, chunk.length - at);
        const payload = chunk.subarray(at, at + taken);
        this.#left -= taken;
        at += taken;
        yield { stream: this.#stream, payload };
      }
    }
  }
}
