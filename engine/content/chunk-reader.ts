// Reads chunks and lists out of the live packs of a set.

import type { PackSet } from '../object/pack-set.ts';
import { type ChunkRef, decodeChunkList } from './chunk-list.ts';
import { type ChunkKind, chunkKind, readEntry } from './chunk-pack.ts';

/** Something that chunks and lists are read from by their ids. */
export interface ChunkSource {
  /** Returns a chunk or list, as yet unverified, in memory that is handed in where that can be; an absent one is `corrupt`. */
  readChunk(id: string, into?: Buffer): Promise<{ kind: ChunkKind; payload: Buffer }>;
  /** As {@link readChunk}, past all caches: what came first was damaged. */
  readChunkAgain(id: string): Promise<{ kind: ChunkKind; payload: Buffer }>;
  /** Returns what is stored under an id: of a chunk its length, of a list the size of its file. */
  statChunk(id: string): Promise<{ kind: ChunkKind; size: number } | undefined>;
}

/** The chunks of live packs. */
export class ChunkReader implements ChunkSource {
  readonly #packs: PackSet;

  constructor(packs: PackSet) {
    this.#packs = packs;
  }

  async readChunk(id: string, into?: Buffer): Promise<{ kind: ChunkKind; payload: Buffer }> {
    const stored = await this.#packs.read(id, { into });
    try {
      return readEntry(stored.bytes, id);
    } catch {
      return readEntry((await this.#packs.readAgain(id)).bytes, id);
    }
  }

  async readChunkAgain(id: string): Promise<{ kind: ChunkKind; payload: Buffer }> {
    return readEntry((await this.#packs.readAgain(id)).bytes, id);
  }

  async statChunk(id: string): Promise<{ kind: ChunkKind; size: number } | undefined> {
    const entry = (await this.#packs.find(id))?.entry;
    return entry && { kind: chunkKind(id, entry.kind), size: entry.size };
  }
}

/** Returns the chunks of a large file, in order. An absent file is `corrupt`. */
export async function chunksOf(source: ChunkSource, file: string): Promise<readonly ChunkRef[]> {
  const stat = await source.statChunk(file);
  if (stat?.kind === 'chunk') {
    return [{ id: file, bytes: stat.size }];
  }
  const { payload } = await source.readChunk(file);
  try {
    return decodeChunkList(payload, file).chunks;
  } catch {
    return decodeChunkList((await source.readChunkAgain(file)).payload, file).chunks;
  }
}
