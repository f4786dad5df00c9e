// Checks packs and their indexes: that they are there, that they belong together and, where asked to, every byte.

import { isEngineError } from '../base/errors.ts';
import { decodeChunkList } from '../content/chunk-list.ts';
import { chunkId, readEntry } from '../content/chunk-pack.ts';
import { GitReader } from '../git/git-reader.ts';
import { PACKS_PREFIX, packIndexKey, packKey, parsePackKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PackIndex } from '../object/pack-index.ts';
import type { PackEntry, PackRef } from '../object/pack-ref.ts';
import { damage, type Finding, note, warning } from './finding.ts';
import { frameProblem, openAlone, type PackBytes } from './pack-scan.ts';

const GIT_ID_BYTES = 20;
const CHUNK_ID_BYTES = 32;

/** A live pack whose index is whole. */
export interface IndexedPack {
  readonly pack: PackRef;
  readonly index: PackIndex;
}

/** Objects under `packs/`, with their sizes. */
export async function listPacks(store: ObjectStore): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of store.list(PACKS_PREFIX)) {
    sizes.set(key, size);
  }
  return sizes;
}

/** Checks that a live pack is there whole, by its size, and that its index is its own. Returns the index where it is. */
export async function* checkPack(
  store: ObjectStore,
  pack: PackRef,
  sizes: ReadonlyMap<string, number>,
): AsyncGenerator<Finding, PackIndex | undefined> {
  const key = packKey(pack.id);
  const size = sizes.get(key);
  if (size === undefined) {
    yield damage(key, `Pack "${key}" is missing`, 'copy');
  } else if (size !== pack.bytes) {
    yield damage(key, `Pack "${key}" is ${size} bytes long instead of ${pack.bytes}`, 'copy');
  }
  const indexKey = packIndexKey(pack.id);
  try {
    const index = PackIndex.parse(await store.get(indexKey), indexKey);
    const problem = mismatch(index, pack);
    if (problem === undefined) {
      return index;
    }
    yield damage(indexKey, `Pack index "${indexKey}" ${problem}`, 'rebuild');
  } catch (error) {
    if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'not_found')) {
      throw error;
    }
    const state = isEngineError(error, 'not_found') ? 'is missing' : 'is damaged';
    yield damage(indexKey, `Pack index "${indexKey}" ${state}`, 'rebuild');
  }
  return undefined;
}

/** Says what is in the bucket beside the packs that the state names. */
export function* strangers(
  sizes: ReadonlyMap<string, number>,
  isKnown: (pack: string) => boolean,
): Generator<Finding> {
  let count = 0;
  let bytes = 0;
  for (const [key, size] of sizes) {
    const parsed = parsePackKey(key);
    if (!parsed) {
      yield warning(key, `Object "${key}" is not of pfs`);
    } else if (!isKnown(parsed.id)) {
      count += 1;
      bytes += size;
    }
  }
  if (count > 0) {
    yield note(
      `${count} objects of ${bytes} bytes belong to packs that no entry of the journal names yet, or no longer: writes under way, writes that were broken off, and what was collected`,
    );
  }
}

/** Reads a pack whole and compares every object with its hash. Returns the ids of those that are wrong. */
export async function* checkPackData(
  store: ObjectStore,
  { pack, index }: IndexedPack,
): AsyncGenerator<Finding, readonly string[]> {
  const key = packKey(pack.id);
  let bytes: Buffer;
  try {
    bytes = await store.get(key);
  } catch (error) {
    if (!isEngineError(error, 'not_found')) {
      throw error;
    }
    // Told already, by its size.
    return [...index.entries()].map(({ id }) => id);
  }
  const content = { pack, bytes };
  const problem = frameProblem(content);
  const wrong =
    pack.kind === 'git'
      ? await wrongObjects(store, content, index)
      : await wrongChunks(content, index);
  if (problem !== undefined || wrong.length > 0) {
    const count = wrong.length === 0 ? 'none' : `${wrong.length}`;
    yield damage(
      key,
      `Pack "${key}" is damaged: ${problem ?? 'its objects are not what their hashes say'}; of its ${index.count} objects ${count} can't be read`,
      'copy',
    );
  }
  return wrong;
}

function mismatch(index: PackIndex, pack: PackRef): string | undefined {
  const idBytes = pack.kind === 'git' ? GIT_ID_BYTES : CHUNK_ID_BYTES;
  const isRight =
    index.idBytes === idBytes && index.packBytes === pack.bytes && index.count === pack.objects;
  return isRight ? undefined : 'belongs to another pack';
}

async function wrongObjects(
  store: ObjectStore,
  content: PackBytes,
  index: PackIndex,
): Promise<string[]> {
  const reader = new GitReader(openAlone(store, content, index));
  const wrong: string[] = [];
  const left = new Set([...index.entries()].map(({ id }) => id));
  try {
    for await (const { id } of reader.readMany(left)) {
      left.delete(id);
    }
  } catch (error) {
    demandCorrupt(error);
    // One stops the others: those that were not reached are read one by one.
    for (const id of left) {
      try {
        for await (const _ of reader.readMany([id])) {
          // Reading is all that is wanted.
        }
      } catch (cause) {
        demandCorrupt(cause);
        wrong.push(id);
      }
    }
  }
  return wrong;
}

async function wrongChunks({ bytes }: PackBytes, index: PackIndex): Promise<string[]> {
  const wrong: string[] = [];
  for (const entry of index.entries()) {
    try {
      if (!(await isRightChunk(bytes, entry))) {
        wrong.push(entry.id);
      }
    } catch (error) {
      demandCorrupt(error);
      wrong.push(entry.id);
    }
  }
  return wrong;
}

async function isRightChunk(bytes: Buffer, entry: PackEntry): Promise<boolean> {
  const { id, offset, stored, size } = entry;
  const { kind, payload } = readEntry(bytes.subarray(offset, offset + stored), id);
  if (kind === 'chunk') {
    return payload.length === size && (await chunkId(payload)) === id;
  }
  return decodeChunkList(payload, id).size === size;
}

function demandCorrupt(error: unknown): void {
  if (!isEngineError(error, 'corrupt') && !(error instanceof RangeError)) {
    throw error;
  }
}
