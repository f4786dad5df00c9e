// Putting together again what a damaged pack held, object by object: from what of it can still be read, and from another copy of
// the store, in whatever packs that has them. What comes of it are new packs; the journal lets them take the place of the old one.

import { isEngineError } from '../base/errors.ts';
import { decodeChunkList } from '../content/chunk-list.ts';
import { CHUNK_PACK, chunkId, readEntry } from '../content/chunk-pack.ts';
import { GitReader } from '../git/git-reader.ts';
import { GIT_PACK, storedEntryBytes, writeStoredEntry } from '../git/pack-format.ts';
import type { AddedPack } from '../journal/operations.ts';
import { PackCache } from '../object/pack-cache.ts';
import type { PackIndex } from '../object/pack-index.ts';
import type { ObjectStat, PackKind, PackRef } from '../object/pack-ref.ts';
import { PackSet } from '../object/pack-set.ts';
import { PackWriter } from '../object/pack-writer.ts';
import type { PfsContext } from '../pfs/context.ts';

/** What a salvage wrote. */
export interface Salvaged {
  readonly added: readonly AddedPack[];
  /** Objects that were taken from the copy. */
  readonly taken: number;
  /** Objects of the old pack that are nowhere any more. */
  readonly lost: number;
  /** Whether the old pack's index told what was in it. */
  readonly isIndexed: boolean;
}

interface Found {
  readonly stat: ObjectStat;
  readonly bytes: number;
  write(target: Buffer): void;
}

/** Reads objects, verified, out of a set of packs. */
class Source {
  readonly packs: PackSet;
  readonly #objects: GitReader;

  constructor(packs: PackSet) {
    this.packs = packs;
    this.#objects = new GitReader(packs);
  }

  /** Returns an object as it is to be written; undefined where it is not there, or damaged. */
  async find(id: string): Promise<Found | undefined> {
    try {
      const hit = await this.packs.find(id);
      if (hit === undefined) {
        return undefined;
      }
      const stored = await this.packs.readHit(hit);
      const { kind, size, files } = hit.entry;
      const stat = { kind, size, files };
      if (hit.pack.kind === 'chunk') {
        const { kind: found, payload } = readEntry(stored.bytes, id);
        const isRight = found === 'list' || (await chunkId(payload)) === id;
        if (found === 'list') {
          decodeChunkList(payload, id);
        }
        const write = (target: Buffer) => void stored.bytes.copy(target);
        return isRight ? { stat, bytes: stored.bytes.length, write } : undefined;
      }
      const object = await this.#objects.resolve(stored);
      return {
        stat,
        bytes: storedEntryBytes(object.content.length),
        write: (target) => writeStoredEntry(target, object.kind, object.content),
      };
    } catch (error) {
      if (isDamage(error)) {
        return undefined;
      }
      throw error;
    }
  }
}

/**
 * Writes the objects that a damaged pack held, and no other whole pack of the store has, into new packs, which are durable and
 * not live when it resolves. Where the pack's index is lost, so is what it held: then it is all that the copy has and the
 * store has not. `pack` undefined: that, of a kind.
 */
export async function salvage(
  context: PfsContext,
  work: { readonly pack?: PackRef; readonly kind: PackKind; readonly copy: PfsContext },
): Promise<Salvaged> {
  const { pack, kind, copy } = work;
  const theirs = new Source(await indexed(copy, kind));
  const others = await indexed(context, kind, pack?.id);
  const index = pack && (await indexOf(context, pack));
  const own = pack && index ? new Source(alone(context, pack, index)) : undefined;
  const ids = index ? [index] : (await theirs.packs.indexes(kind)).map((view) => view.index);
  const writer = new PackWriter({
    container: kind === 'git' ? GIT_PACK : CHUNK_PACK,
    uploader: context.uploader,
    cache: context.packs.cache,
  });
  let taken = 0;
  let lost = 0;
  try {
    for (const { id } of ids.flatMap((one) => [...one.entries()])) {
      if ((await others.find(id)) || writer.stat(id)) {
        continue;
      }
      const here = await own?.find(id);
      const found = here ?? (await theirs.find(id));
      if (found === undefined) {
        lost += 1;
        continue;
      }
      taken += here ? 0 : 1;
      for (let wait = writer.room(found.bytes); wait; wait = writer.room(found.bytes)) {
        await wait;
      }
      found.write(writer.add(id, found.stat, found.bytes));
    }
    const added = (await writer.finish()).map(({ index: _, ...one }) => one);
    return { added, taken, lost, isIndexed: index !== undefined };
  } catch (error) {
    writer.discard();
    throw error;
  }
}

/** Returns the live packs of a kind, but for one, whose indexes are whole. */
async function indexed(
  { journal, store }: PfsContext,
  kind: PackKind,
  but?: string,
): Promise<PackSet> {
  const cache = new PackCache(store);
  const packs = new PackSet(cache);
  for (const pack of journal.state.packs.values()) {
    if (pack.kind === kind && pack.id !== but) {
      const index = await readOrNot(cache.readIndex(pack.id));
      if (index) {
        packs.add(pack, index);
      }
    }
  }
  return packs;
}

async function indexOf({ store }: PfsContext, pack: PackRef): Promise<PackIndex | undefined> {
  const index = await readOrNot(new PackCache(store).readIndex(pack.id));
  return index?.count === pack.objects && index.packBytes === pack.bytes ? index : undefined;
}

function alone({ store }: PfsContext, pack: PackRef, index: PackIndex): PackSet {
  const packs = new PackSet(new PackCache(store));
  packs.add(pack, index);
  return packs;
}

async function readOrNot<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isDamage(error)) {
      return undefined;
    }
    throw error;
  }
}

/** A pack that is cut short has no range to be read, and one that is not there none at all. */
function isDamage(error: unknown): boolean {
  return (
    isEngineError(error, 'corrupt') ||
    isEngineError(error, 'not_found') ||
    isEngineError(error, 'conflict') ||
    error instanceof RangeError
  );
}
