// Large files as chunks: written from a stream and read back as one, with a few chunks in memory at most.

import { EngineError } from '../base/errors.ts';
import { copyBytes } from '../object/copy-bytes.ts';
import { StreamHash } from '../object/hash-threads.ts';
import { giveChunkBuffer, hasPlenty, takeChunkBuffer } from './chunk-buffers.ts';
import { type ChunkRef, encodeChunkList } from './chunk-list.ts';
import { chunkId } from './chunk-pack.ts';
import { type ChunkSource, chunksOf } from './chunk-reader.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import { Chunker } from './chunker.ts';
import type { Pointer } from './pointer.ts';

/** Chunks of one file that are hashed or stored while the next is filled. */
const MAX_STORING = 2;

/**
 * Writes one large file into a session. Holds three chunks, of at most 16 MiB each: one is filled while others are
 * hashed by another thread and stored.
 */
export class LargeFileWriter {
  readonly #session: ChunkWriter;
  readonly #chunker = new Chunker();
  readonly #hash = new StreamHash();
  readonly #chunks: ChunkRef[] = [];
  #buffer: Buffer | undefined;
  #used = 0;
  #size = 0;
  /** Of the chunks under way, in order. */
  readonly #storing: Promise<void>[] = [];

  constructor(session: ChunkWriter) {
    this.#session = session;
  }

  /** Takes the next bytes of the file. They are copied: the buffer may be used again once this resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    for (let from = 0; from < bytes.length; ) {
      const cut = this.#chunker.next(bytes, from);
      const end = cut < 0 ? bytes.length : cut;
      this.#keep(bytes.subarray(from, end));
      from = end;
      if (cut >= 0) {
        await this.#endChunk();
      }
    }
  }

  /** Ends the file. Its chunks and list are in the session then, and durable once the session is finished. */
  async finish(): Promise<Pointer> {
    const size = this.#size;
    if (this.#used > 0 || size === 0) {
      await this.#endChunk();
    }
    await Promise.all(this.#storing);
    const [only] = this.#chunks;
    if (only && this.#chunks.length === 1) {
      return { sha256: only.id, size };
    }
    const file = await this.#hash.end();
    const payload = encodeChunkList(this.#chunks);
    await this.#session.store({ kind: 'list', id: file, payload, size });
    return { sha256: file, size };
  }

  #keep(bytes: Uint8Array): void {
    this.#buffer ??= takeChunkBuffer('write');
    copyBytes(this.#buffer, bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Hashes and stores the chunk while the next ones fill other buffers. */
  async #endChunk(): Promise<void> {
    const full = this.#buffer ?? takeChunkBuffer('write');
    const payload = full.subarray(0, this.#used);
    this.#buffer = undefined;
    this.#used = 0;
    const storing = this.#store(payload, this.#storing.at(-1)).finally(() => giveChunkBuffer(full));
    // Whoever writes or finishes next meets the error; until then it must not count as unhandled.
    storing.catch(() => undefined);
    this.#storing.push(storing);
    while (this.#storing.length > (hasPlenty('write') ? MAX_STORING : 0)) {
      await this.#storing.shift();
    }
  }

  /** Chunks are hashed as they come and stored in order. */
  async #store(payload: Buffer, before: Promise<void> | undefined): Promise<void> {
    const id = await this.#hash.update(payload);
    await before;
    await this.#session.store({ kind: 'chunk', id, payload, size: payload.length });
    this.#chunks.push({ id, bytes: payload.length });
  }
}

/** Reads large files by the SHA-256 of their content. */
export class LargeFileReader {
  readonly #source: ChunkSource;
  #reads = 0;

  constructor(source: ChunkSource) {
    this.#source = source;
  }

  /**
   * Yields bytes `start` to `end` (all where not named) of the file of that SHA-256, each chunk verified. Up to two
   * chunks are read ahead, fewer while many files are read at once. The buffers may be shared: they must not be
   * written to. With `borrowed`, each is there until the next is asked for and no longer: its memory is used again.
   */
  async *read(file: string, range: ReadRange = {}): AsyncGenerator<Buffer> {
    const wanted = slicesOf(await chunksOf(this.#source, file), range);
    const ahead: Promise<HeldChunk>[] = [];
    let next = 0;
    this.#reads += 1;
    try {
      for (const { from, to } of wanted) {
        for (; next < wanted.length && ahead.length <= this.#readAhead(); next++) {
          const chunk = this.#chunk(wanted[next]?.ref, range.borrowed ?? false);
          // The error is thrown where the chunk is due; until then it must not count as unhandled.
          chunk.catch(() => undefined);
          ahead.push(chunk);
        }
        const chunk = await ahead.shift();
        if (chunk) {
          yield chunk.payload.subarray(from, to);
          // Only who asks for more has done with it: who stops may still be sending it.
          giveBack(chunk);
        }
      }
    } finally {
      this.#reads -= 1;
      for (const chunk of ahead) {
        chunk.then(giveBack, () => undefined);
      }
    }
  }

  #readAhead(): number {
    return this.#reads <= 3 ? 2 : this.#reads <= 8 ? 1 : 0;
  }

  async #chunk(ref: ChunkRef | undefined, borrowed: boolean): Promise<HeldChunk> {
    const id = ref?.id ?? '';
    const isRight = async (payload: Buffer) =>
      payload.length === ref?.bytes && (await chunkId(payload)) === id;
    const memory = borrowed && hasPlenty('read') ? takeChunkBuffer('read') : undefined;
    try {
      const { payload } = await this.#source.readChunk(id, memory);
      if (await isRight(payload)) {
        if (memory && payload.buffer === memory.buffer) {
          return { payload, memory };
        }
        giveBack({ memory });
        return { payload };
      }
    } catch (error) {
      giveBack({ memory });
      throw error;
    }
    giveBack({ memory });
    const again = await this.#source.readChunkAgain(id);
    if (!(await isRight(again.payload))) {
      throw new EngineError(
        'corrupt',
        `Cannot read chunk "${id}": its bytes are damaged; restore its pack from a copy`,
        { details: { object: id } },
      );
    }
    return { payload: again.payload };
  }
}

/** Which bytes of a file are wanted, and how. */
export interface ReadRange {
  readonly start?: number;
  readonly end?: number;
  /** Buffers are done with when the next is asked for. */
  readonly borrowed?: boolean;
}

interface HeldChunk {
  readonly payload: Buffer;
  /** What it is in, where that is to be used again. */
  readonly memory?: Buffer | undefined;
}

function giveBack({ memory }: Pick<HeldChunk, 'memory'>): void {
  if (memory) {
    giveChunkBuffer(memory);
  }
}

interface ChunkSlice {
  readonly ref: ChunkRef;
  readonly from: number;
  readonly to: number;
}

/** Returns which parts of which chunks make up a range of the file. */
function slicesOf(
  chunks: readonly ChunkRef[],
  range: { start?: number; end?: number },
): ChunkSlice[] {
  const { start = 0, end = Number.POSITIVE_INFINITY } = range;
  const slices: ChunkSlice[] = [];
  let at = 0;
  for (const ref of chunks) {
    const from = Math.max(0, start - at);
    const to = Math.min(ref.bytes, end - at);
    if (from < to) {
      slices.push({ ref, from, to });
    }
    at += ref.bytes;
  }
  return slices;
}
