// Writes chunks and lists of several packs into new ones. What it reads it verifies.

import { EngineError } from '../base/errors.ts';
import { decodeChunkList } from '../content/chunk-list.ts';
import { CHUNK_PACK, chunkId, readEntry } from '../content/chunk-pack.ts';
import type { AddedPack } from '../journal/operations.ts';
import { PackWriter } from '../object/pack-writer.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { IsKept } from './git-rewriter.ts';
import type { Pace } from './pace.ts';
import { byOffset, type PackView } from './pack-view.ts';

/** One rewrite of packs of chunks. Finish or discard it. */
export class ChunkRewriter {
  readonly #context: PfsContext;
  readonly #pace: Pace;
  readonly #writer: PackWriter;

  constructor(context: PfsContext, pace: Pace) {
    this.#context = context;
    this.#pace = pace;
    this.#writer = new PackWriter({
      container: CHUNK_PACK,
      uploader: context.uploader,
      cache: context.packs.cache,
    });
  }

  /** Takes the objects over; a damaged one is `corrupt`. */
  async write(views: readonly PackView[], isKept: IsKept): Promise<void> {
    for (const view of views) {
      for (const position of byOffset(view.index, (at) => isKept(view, at))) {
        await this.#pace.step();
        await this.#copy(view, position);
      }
    }
  }

  /** Resolves when all is durable. */
  async finish(): Promise<AddedPack[]> {
    const packs = await this.#writer.finish();
    return packs.map(({ id, kind, bytes, objects }) => ({ id, kind, bytes, objects }));
  }

  discard(): void {
    this.#writer.discard();
  }

  async #copy({ pack, index }: PackView, position: number): Promise<void> {
    const { id, kind, size, files, offset, stored } = index.entryAt(position);
    if (this.#writer.stat(id)) {
      return;
    }
    const range = { start: offset, end: offset + stored };
    const entry = await this.#context.packs.readRange(pack, range);
    const { kind: found, payload } = readEntry(entry, id);
    if (found === 'list') {
      decodeChunkList(payload, id);
    } else if ((await chunkId(payload)) !== id) {
      throw new EngineError(
        'corrupt',
        `Cannot rewrite chunk "${id}": its bytes in pack "${pack.id}" are damaged; restore the pack from a copy`,
        { details: { object: id, pack: pack.id } },
      );
    }
    for (let wait = this.#writer.room(stored); wait; wait = this.#writer.room(stored)) {
      await wait;
    }
    entry.copy(this.#writer.add(id, { kind, size, files }, stored));
  }
}
