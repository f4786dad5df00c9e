// Where the bytes of a long answer arrive. Memory that the system has just handed out is slow to write to: it is used again and
// again.

import type { AnswerMemory } from '../client/transport.ts';

const PIECE_BYTES = 1024 * 1024;

/** Pieces of 1 MiB, of which no more are made than are in use at once. */
export class PieceMemory implements AnswerMemory {
  readonly #free: Buffer[] = [];
  readonly #own = new WeakMap<ArrayBufferLike, Buffer>();

  take(): Buffer {
    const piece = this.#free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    this.#own.set(piece.buffer, piece);
    return piece;
  }

  /** Takes back the piece in which a chunk arrived, once nothing of it is needed any more; what arrived elsewhere stays as it is. */
  giveBack(chunk: Uint8Array): void {
    const piece = this.#own.get(chunk.buffer);
    if (piece && this.#own.delete(chunk.buffer)) {
      this.#free.push(piece);
    }
  }
}
