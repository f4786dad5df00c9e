// Small contents that are named together: one trip to another thread for hundreds of files.

import { adler32 } from '../object/adler32.ts';
import { copyBytes } from '../object/copy-bytes.ts';
import { hashBlobs } from '../object/hash-threads.ts';
import { giveSlab, takeSlab } from '../object/slabs.ts';
import { objectId } from './object-id.ts';

/** A content of a batch with what the batch knows of it. */
export interface NamedBlob {
  readonly id: string;
  readonly content: Buffer;
  readonly adler: number;
}

/** What a batch holds that is named without a thread. */
export const SMALL_BATCH_BYTES = 64 * 1024;
const MAX_BATCH_BYTES = 1024 * 1024;
const DIGEST_BYTES = 20;

/**
 * Contents of at most 1 MiB together, one behind the other, copied into shared memory. Release it when its contents are not read any
 * more.
 */
export class BlobBatch {
  readonly #memory: Buffer;
  readonly #lengths: number[] = [];
  #used = 0;

  /** A batch that stays `small` needs no thread, and little memory. */
  constructor(options: { readonly small: boolean }) {
    this.#memory = takeSlab(options.small ? SMALL_BATCH_BYTES : MAX_BATCH_BYTES);
  }

  hasRoom(bytes: number): boolean {
    return this.#memory.length - this.#used >= bytes;
  }

  /** Adds a content, for which there must be room. */
  add(content: Uint8Array): void {
    copyBytes(this.#memory, content, this.#used);
    this.#used += content.length;
    this.#lengths.push(content.length);
  }

  /** Returns the contents in order, under their names; views into the batch's memory. */
  async name(): Promise<NamedBlob[]> {
    if (this.#memory.length <= SMALL_BATCH_BYTES) {
      return this.#contents().map((content) => ({
        id: objectId('blob', content),
        content,
        adler: adler32(content),
      }));
    }
    const bytes = this.#memory.subarray(0, this.#used);
    const { names, sums } = await hashBlobs(bytes, Uint32Array.from(this.#lengths));
    return this.#contents().map((content, i) => ({
      id: names.toString('hex', i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
      content,
      adler: sums[i] ?? 0,
    }));
  }

  release(): void {
    giveSlab(this.#memory);
  }

  #contents(): Buffer[] {
    let at = 0;
    return this.#lengths.map((length) => {
      at += length;
      return this.#memory.subarray(at - length, at);
    });
  }
}
