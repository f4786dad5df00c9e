// The ETag of contents on their way in: the id of the Git blob under which they are, or will be, stored.

import { createHash } from 'node:crypto';
import { MAX_BLOB_BYTES } from '../../base/limits.ts';
import { encodePointer, mustBeLarge } from '../../content/pointer.ts';
import { objectId } from '../../git/object-id.ts';

/** Works it out without asking the store. */
export class ContentTag {
  readonly #sha256 = createHash('sha256');
  #small: Buffer[] = [];
  #size = 0;

  /** Passes bytes on and takes them in. */
  async *watch(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const bytes of source) {
      this.#update(bytes);
      yield bytes;
    }
  }

  /** Returns the ETag. Call it once, at the end. */
  end(): string {
    const small = Buffer.concat(this.#small);
    const isLarge = this.#size > MAX_BLOB_BYTES || mustBeLarge(small);
    const pointer = { sha256: this.#sha256.digest('hex'), size: this.#size };
    return objectId('blob', isLarge ? encodePointer(pointer) : small);
  }

  #update(bytes: Buffer): void {
    this.#sha256.update(bytes);
    this.#size += bytes.length;
    if (this.#size <= MAX_BLOB_BYTES) {
      this.#small.push(Buffer.from(bytes));
    } else {
      this.#small = [];
    }
  }
}
