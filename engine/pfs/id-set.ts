// A set of Git object ids that stays small with millions of them: 20 bytes each and a table of numbers.

const ID_BYTES = 20;

/** Ids in the order in which they were added. */
export class IdSet {
  #ids = Buffer.allocUnsafe(1024 * ID_BYTES);
  #table = new Uint32Array(4096);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Adds the 20 bytes at `at`; returns whether they are new. */
  add(bytes: Buffer, at: number): boolean {
    const place = this.#find(bytes, at);
    if (this.#table[place] !== 0) {
      return false;
    }
    if ((this.#count + 1) * ID_BYTES > this.#ids.length) {
      const larger = Buffer.allocUnsafe(this.#ids.length * 2);
      this.#ids.copy(larger);
      this.#ids = larger;
    }
    bytes.copy(this.#ids, this.#count * ID_BYTES, at, at + ID_BYTES);
    this.#count += 1;
    this.#table[place] = this.#count;
    if (this.#count * 2 > this.#table.length) {
      this.#grow();
    }
    return true;
  }

  /** Adds an id of 40 hex digits; returns whether it is new. */
  addHex(id: string): boolean {
    return this.add(Buffer.from(id, 'hex'), 0);
  }

  /** Returns whether an id of 40 hex digits is there. */
  hasHex(id: string): boolean {
    return this.#table[this.#find(Buffer.from(id, 'hex'), 0)] !== 0;
  }

  /** Yields the ids in hex, in lists of at most `count`. */
  *batches(count: number): Generator<string[]> {
    for (let from = 0; from < this.#count; from += count) {
      const batch: string[] = [];
      for (let number = from; number < Math.min(from + count, this.#count); number++) {
        batch.push(this.#ids.toString('hex', number * ID_BYTES, (number + 1) * ID_BYTES));
      }
      yield batch;
    }
  }

  /** Returns the place of an id in the table, or the free one where it belongs. Ids are hashes: no hash is needed. */
  #find(bytes: Buffer, at: number): number {
    const mask = this.#table.length - 1;
    for (let place = bytes.readUInt32BE(at) & mask; ; place = (place + 1) & mask) {
      const number = this.#table[place] ?? 0;
      const from = (number - 1) * ID_BYTES;
      if (
        number === 0 ||
        bytes.compare(this.#ids, from, from + ID_BYTES, at, at + ID_BYTES) === 0
      ) {
        return place;
      }
    }
  }

  #grow(): void {
    this.#table = new Uint32Array(this.#table.length * 2);
    for (let number = 1; number <= this.#count; number++) {
      this.#table[this.#find(this.#ids, (number - 1) * ID_BYTES)] = number;
    }
  }
}
