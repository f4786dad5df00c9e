// A bounded memory of pack bytes that were read, shared by everything that reads packs. It never writes.

import { CacheCounts } from '../base/cache-counts.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import { packIndexKey, packKey } from './keys.ts';
import type { GetOptions, ObjectStore } from './object-store.ts';
import { PackIndex } from './pack-index.ts';

const BLOCK_BYTES = 256 * 1024;
/** Packs up to this size are kept when they are written; never more than a block. */
export const KEPT_PACK_BYTES = 64 * 1024;
/** Reads of this many bytes and more are not worth keeping. */
const DIRECT_BYTES = 1024 * 1024;
/** Indexes kept for packs that are about to become live. */
const MAX_FRESH_BYTES = 16 * 1024 * 1024;

interface Block {
  readonly block: Promise<Buffer>;
  readonly bytes: number;
}

/** Reads ranges of packs in aligned blocks and keeps the recently used ones. */
export class PackCache {
  /** Of blocks. */
  readonly counts = new CacheCounts();
  readonly #store: ObjectStore;
  readonly #maxBytes: number;
  readonly #blocks = new Map<string, Block>();
  #bytes = 0;
  readonly #fresh = new Map<string, PackIndex>();
  #freshBytes = 0;

  constructor(store: ObjectStore, options: { maxBytes?: number } = {}) {
    this.#store = store;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  }

  /** Keeps the index of a pack that was just sealed, for the moment at which the pack becomes live. */
  keepIndex(pack: string, index: PackIndex): void {
    this.#fresh.set(pack, index);
    this.#freshBytes += index.bytes.length;
    for (const [oldest, { bytes }] of this.#fresh) {
      if (this.#freshBytes <= MAX_FRESH_BYTES) {
        return;
      }
      this.#fresh.delete(oldest);
      this.#freshBytes -= bytes.length;
    }
  }

  /** Keeps all bytes of a small pack that was just written, as if they had been read. */
  keepPack(pack: { readonly id: string }, bytes: Buffer): void {
    this.#keep(`${pack.id}/0`, { block: Promise.resolve(bytes), bytes: bytes.length });
  }

  /** Returns, once, an index that was kept. */
  takeIndex(pack: string): PackIndex | undefined {
    const index = this.#fresh.get(pack);
    if (index) {
      this.#fresh.delete(pack);
      this.#freshBytes -= index.bytes.length;
    }
    return index;
  }

  /** Fetches the index of a pack. A damaged or missing one is `corrupt`. */
  async readIndex(pack: string): Promise<PackIndex> {
    const key = packIndexKey(pack);
    const bytes = await this.#get(key);
    try {
      return PackIndex.parse(bytes, key);
    } catch {
      // Damaged on its way, perhaps, or in a cache.
      return PackIndex.parse(await this.#get(key, { fresh: true }), key);
    }
  }

  /** Reads bytes `start` to `end` of a pack from the store itself, and forgets what was kept of them. */
  readFresh(pack: { id: string }, range: { start: number; end: number }): Promise<Buffer> {
    const first = Math.floor(range.start / BLOCK_BYTES);
    for (let number = first; number * BLOCK_BYTES < range.end; number++) {
      this.#drop(`${pack.id}/${number}`);
    }
    return this.#get(packKey(pack.id), { range, fresh: true });
  }

  /**
   * Returns bytes `start` to `end` of a pack, in the memory `into` where there is some and much is read. The buffer may be shared: it
   * must not be written to.
   */
  async read(
    pack: { id: string; bytes: number },
    range: { start: number; end: number; into?: Buffer | undefined },
  ): Promise<Buffer> {
    const { start, end, into } = range;
    if (end - start >= DIRECT_BYTES || end > pack.bytes) {
      return this.#get(packKey(pack.id), { range: { start, end }, into });
    }
    const first = Math.floor(start / BLOCK_BYTES);
    const last = Math.floor(Math.max(start, end - 1) / BLOCK_BYTES);
    const blocks: Promise<Buffer>[] = [];
    for (let number = first; number <= last; number++) {
      blocks.push(this.#block(pack, number));
    }
    const read = await Promise.all(blocks);
    const only = read.length === 1 ? read[0] : undefined;
    const bytes = only ?? Buffer.concat(read);
    return bytes.subarray(start - first * BLOCK_BYTES, end - first * BLOCK_BYTES);
  }

  #block(pack: { id: string; bytes: number }, number: number): Promise<Buffer> {
    const key = `${pack.id}/${number}`;
    const known = this.#blocks.get(key);
    this.counts.count(known !== undefined);
    if (known) {
      this.#blocks.delete(key);
      this.#blocks.set(key, known);
      return known.block;
    }
    const start = number * BLOCK_BYTES;
    const end = Math.min(start + BLOCK_BYTES, pack.bytes);
    const block = this.#get(packKey(pack.id), { range: { start, end } });
    const entry = { block, bytes: end - start };
    this.#keep(key, entry);
    block.catch(() => {
      if (this.#blocks.get(key) === entry) {
        this.#drop(key);
      }
    });
    return block;
  }

  #keep(key: string, entry: Block): void {
    this.#drop(key);
    this.#blocks.set(key, entry);
    this.#bytes += entry.bytes;
    this.#evict();
  }

  /** What a live pack needs must be there: that it isn't is damage, not an answer. */
  async #get(key: string, options: GetOptions = {}): Promise<Buffer> {
    try {
      return await this.#store.get(key, options);
    } catch (error) {
      throw isEngineError(error, 'not_found') ? missing(key, error) : error;
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#blocks.get(key)?.bytes ?? 0;
    this.#blocks.delete(key);
  }

  #evict(): void {
    for (const key of this.#blocks.keys()) {
      if (this.#bytes <= this.#maxBytes) {
        return;
      }
      this.#drop(key);
    }
  }
}

function missing(key: string, cause: unknown): EngineError {
  return new EngineError(
    'corrupt',
    `Cannot read "${key}": it is missing from the store; restore it from a copy`,
    { cause, details: { key } },
  );
}
