// A write session of chunks: each is stored once, unless a live pack has it. It deletes nothing.

import { TARGET_CHUNK_PACK_BYTES } from '../base/limits.ts';
import type { NewPack } from '../object/pack-ref.ts';
import type { PackSet } from '../object/pack-set.ts';
import type { PackUploader } from '../object/pack-uploader.ts';
import { PackWriter } from '../object/pack-writer.ts';
import {
  CHUNK_PACK,
  type ChunkKind,
  chunkKind,
  FRAME_BYTES,
  readEntry,
  writeEntry,
} from './chunk-pack.ts';
import { type ChunkSource, chunksOf } from './chunk-reader.ts';

export interface ChunkWriterOptions {
  readonly uploader: PackUploader;
  /** A pack is sealed when it would grow beyond this; 60 MiB where not named. */
  readonly targetBytes?: number;
}

/** What a finished session brought, for its transaction to name. */
export interface ChunksWritten {
  readonly packs: NewPack[];
  /** Live packs that hold chunks the session was given and did not store again. */
  readonly relied: string[];
}

/** A session in which large files are written. Its chunks can be read before it is finished. */
export class ChunkWriter implements ChunkSource {
  readonly #live: PackSet;
  readonly #own: PackWriter;
  readonly #relied = new Set<string>();

  constructor(live: PackSet, options: ChunkWriterOptions) {
    const { uploader, targetBytes = TARGET_CHUNK_PACK_BYTES } = options;
    this.#live = live;
    this.#own = new PackWriter({
      container: CHUNK_PACK,
      uploader,
      cache: live.cache,
      targetBytes,
    });
  }

  /** Stores a chunk or a list under its id, unless it is stored; `size` is what its index says of it. */
  async store(entry: {
    kind: ChunkKind;
    id: string;
    payload: Uint8Array;
    size: number;
  }): Promise<void> {
    const { kind, id, payload, size } = entry;
    if (await this.#isStored(id)) {
      return;
    }
    const stored = FRAME_BYTES + payload.length;
    for (let wait = this.#own.room(stored); wait; wait = this.#own.room(stored)) {
      await wait;
    }
    if (!this.#own.stat(id)) {
      writeEntry(this.#own.add(id, { kind, size, files: 0 }, stored), { kind, id, payload });
    }
  }

  async readChunk(id: string, into?: Buffer): Promise<{ kind: ChunkKind; payload: Buffer }> {
    const own = await this.#own.read(id);
    return readEntry(own ?? (await this.#live.read(id, { into })).bytes, id);
  }

  async readChunkAgain(id: string): Promise<{ kind: ChunkKind; payload: Buffer }> {
    const own = await this.#own.read(id);
    return readEntry(own ?? (await this.#live.readAgain(id)).bytes, id);
  }

  async statChunk(id: string): Promise<{ kind: ChunkKind; size: number } | undefined> {
    const stat = this.#own.stat(id) ?? (await this.#live.find(id))?.entry;
    return stat && { kind: chunkKind(id, stat.kind), size: stat.size };
  }

  /** Names the live packs of a large file among those that the session relies on: for a file taken over by its pointer. */
  async rely(file: string): Promise<void> {
    for (const id of [file, ...(await chunksOf(this, file)).map((chunk) => chunk.id)]) {
      await this.#isStored(id);
    }
  }

  /** The live packs that the session leans on so far. */
  get relied(): ReadonlySet<string> {
    return this.#relied;
  }

  /** Takes over all that another session collected; that one is over. */
  absorb(other: ChunkWriter): void {
    this.#own.absorb(other.#own);
    for (const id of other.#relied) {
      this.#relied.add(id);
    }
  }

  /** Resolves when everything stored is durable. The session is over. */
  async finish(): Promise<ChunksWritten> {
    return { packs: await this.#own.finish(), relied: [...this.#relied] };
  }

  /** Gives the session up and frees its memory. */
  discard(): void {
    this.#own.discard();
  }

  async #isStored(id: string): Promise<boolean> {
    if (this.#own.stat(id)) {
      return true;
    }
    const hit = await this.#live.find(id);
    if (hit) {
      this.#relied.add(hit.pack.id);
    }
    return hit !== undefined;
  }
}
