// Reads chunks and lists out of the live packs of a set.

import type { PackSet } from '../object/pack-set.ts';
import { type ChunkKind, readEntry } from './chunk-pack.ts';
import { type ChunkSource, chunkKind } from './chunk-writer.ts';

/** The chunks of live packs. */
export class ChunkReader implements ChunkSource {
  readonly #packs: PackSet;

  constructor(packs: PackSet) {
    this.#packs = packs;
  }

  async readChunk(id: string): Promise<{ kind: ChunkKind; payload: Buffer }> {
    return readEntry((await this.#packs.read(id)).bytes, id);
  }

  async statChunk(id: string): Promise<{ kind: ChunkKind; size: number } | undefined> {
    const entry = (await this.#packs.find(id))?.entry;
    return entry && { kind: chunkKind(id, entry.kind), size: entry.size };
  }
}
