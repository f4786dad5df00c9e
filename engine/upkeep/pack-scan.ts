// Reads a pack from its first byte to its last without an index: what is in it, and whether all of it is right.

import { createHash } from 'node:crypto';
import { EngineError } from '../base/errors.ts';
import { decodeChunkList } from '../content/chunk-list.ts';
import { chunkId, FRAME_BYTES, readEntry } from '../content/chunk-pack.ts';
import { parsePointer } from '../content/pointer.ts';
import { applyDelta } from '../git/delta.ts';
import { GitReader } from '../git/git-reader.ts';
import { EMPTY_TREE, type GitKind, objectId } from '../git/object-id.ts';
import {
  ENTRY_KINDS,
  type EntryHeader,
  inflateFrom,
  REF_DELTA,
  readEntryHeader,
} from '../git/pack-entry.ts';
import { decodeTree } from '../git/tree.ts';
import { packKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PackCache } from '../object/pack-cache.ts';
import { PackIndex } from '../object/pack-index.ts';
import type { ObjectStat, PackEntry, PackRef } from '../object/pack-ref.ts';
import { PackSet } from '../object/pack-set.ts';
import { ATTRIBUTES_NAME, isOwnAttributes } from '../pfs/attributes.ts';
import { OneObjectStore } from './views.ts';

const GIT_HEADER_BYTES = 12;
const TRAILER_BYTES = 20;
const CHUNK_HEADER_BYTES = 16;
const ID_BYTES = 20;

/** Of an object that is nowhere: a tree that nothing reaches may name what was collected. */
const UNKNOWN_SIZE: ObjectStat = { kind: 'blob', size: 0, files: 0 };

/** A pack in memory. */
export interface PackBytes {
  readonly pack: PackRef;
  readonly bytes: Buffer;
}

/** Looks an object up in other packs; undefined when none has it: it counts for nothing then. */
export type StatOf = (id: string) => Promise<ObjectStat | undefined>;

/** Returns what is wrong with the frame of a pack, trailer included; undefined when nothing is. */
export function frameProblem({ pack, bytes }: PackBytes): string | undefined {
  if (bytes.length !== pack.bytes) {
    return `it is ${bytes.length} bytes long instead of ${pack.bytes}`;
  }
  if (pack.kind === 'chunk') {
    const isRight =
      bytes.toString('latin1', 0, 8) === 'pfschunk' &&
      bytes.readUInt32BE(8) === 1 &&
      bytes.readUInt32BE(12) === pack.objects;
    return isRight ? undefined : 'its header is damaged';
  }
  const isRight =
    bytes.toString('latin1', 0, 4) === 'PACK' &&
    bytes.readUInt32BE(4) === 2 &&
    bytes.readUInt32BE(8) === pack.objects;
  if (!isRight) {
    return 'its header is damaged';
  }
  const sum = createHash('sha1').update(bytes.subarray(0, -TRAILER_BYTES)).digest();
  return sum.equals(bytes.subarray(-TRAILER_BYTES)) ? undefined : 'its checksum does not match';
}

/**
 * Makes the index of a pack anew. Sizes of trees come from what they hold, which other packs may have (`statOf`). Rejects
 * with `corrupt` where a byte of the pack is wrong.
 */
export async function rebuildIndex(
  store: ObjectStore,
  content: PackBytes,
  statOf: StatOf,
): Promise<PackIndex> {
  const problem = frameProblem(content);
  if (problem !== undefined) {
    throw damagedPack(content.pack, problem);
  }
  if (content.pack.kind === 'chunk') {
    return PackIndex.build(await scanChunks(content), content.bytes.length);
  }
  const entries = scanGit(content);
  const provisional = PackIndex.build(entries, content.bytes.length);
  const sized = await addSizes(store, { content, entries, index: provisional, statOf });
  return PackIndex.build(sized, content.bytes.length);
}

/** Opens a pack that is in memory by itself: its objects, and nothing else, can be read. */
export function openAlone(store: ObjectStore, content: PackBytes, index: PackIndex): PackSet {
  const { pack, bytes } = content;
  const object = { key: packKey(pack.id), bytes };
  const packs = new PackSet(new PackCache(new OneObjectStore(store, object), { maxBytes: 0 }));
  packs.add(pack, index);
  return packs;
}

async function scanChunks({ pack, bytes }: PackBytes): Promise<PackEntry[]> {
  const entries: PackEntry[] = [];
  let at = CHUNK_HEADER_BYTES;
  for (let count = 0; count < pack.objects; count++) {
    if (at + FRAME_BYTES > bytes.length) {
      throw damagedPack(pack, 'it ends in the middle of an entry');
    }
    const stored = FRAME_BYTES + bytes.readUInt32BE(at + 4);
    const id = bytes.toString('hex', at + 8, at + FRAME_BYTES);
    const { kind, payload } = readEntry(bytes.subarray(at, at + stored), id);
    if (kind === 'chunk' && (await chunkId(payload)) !== id) {
      throw damagedPack(pack, `chunk "${id}" is damaged`);
    }
    const size = kind === 'chunk' ? payload.length : decodeChunkList(payload, id).size;
    entries.push({ id, kind, offset: at, stored, files: 0, size });
    at += stored;
  }
  if (at !== bytes.length) {
    throw damagedPack(pack, 'something follows its last entry');
  }
  return entries;
}

interface Delta {
  readonly offset: number;
  readonly stored: number;
  readonly base: string;
  readonly delta: Buffer;
}

function scanGit({ pack, bytes }: PackBytes): PackEntry[] {
  const entries: PackEntry[] = [];
  const deltas = new Map<string, Delta[]>();
  const end = bytes.length - TRAILER_BYTES;
  let at = GIT_HEADER_BYTES;
  for (let count = 0; count < pack.objects; count++) {
    const offset = at;
    const head = headerAt({ pack, bytes }, at);
    const stream = head.at + (head.type === REF_DELTA ? ID_BYTES : 0);
    const { content, used } = inflateAt({ pack, bytes }, { start: stream, size: head.size });
    at = stream + used;
    const stored = at - offset;
    const kind = ENTRY_KINDS[head.type];
    if (!kind && head.type !== REF_DELTA) {
      throw damagedPack(pack, `the entry at ${offset} is damaged`);
    }
    if (kind) {
      const id = objectId(kind, content);
      entries.push({ id, offset, stored, ...ownStat(kind, content) });
    } else {
      const base = bytes.toString('hex', head.at, stream);
      deltas.set(base, [...(deltas.get(base) ?? []), { offset, stored, base, delta: content }]);
    }
  }
  if (at !== end) {
    throw damagedPack(pack, 'something follows its last entry');
  }
  entries.push(...undoDeltas({ bytes, pack, entries, deltas }));
  return entries;
}

/** Goes down each chain from its whole object, so that one chain is in memory at a time. */
function undoDeltas(scan: {
  readonly bytes: Buffer;
  readonly pack: PackRef;
  readonly entries: readonly PackEntry[];
  readonly deltas: ReadonlyMap<string, readonly Delta[]>;
}): PackEntry[] {
  const { bytes, pack, deltas } = scan;
  const found: PackEntry[] = [];
  const follow = (base: { id: string; kind: GitKind; content: Buffer }): void => {
    for (const { offset, stored, delta } of deltas.get(base.id) ?? []) {
      const content = applyDelta(base.content, delta);
      const id = objectId(base.kind, content);
      found.push({ id, offset, stored, base: base.id, ...ownStat(base.kind, content) });
      follow({ id, kind: base.kind, content });
    }
  };
  for (const { id, kind, offset } of scan.entries) {
    if (deltas.has(id)) {
      const { at, size } = headerAt({ pack, bytes }, offset);
      const { content } = inflateAt({ pack, bytes }, { start: at, size });
      follow({ id, kind: kind as GitKind, content });
    }
  }
  return found;
}

/** What an object says of itself; of a tree nothing yet. */
function ownStat(kind: GitKind, content: Buffer): ObjectStat {
  if (kind === 'tree') {
    return { kind, size: 0, files: 0 };
  }
  if (kind !== 'blob') {
    return { kind, size: content.length, files: 0 };
  }
  if (isOwnAttributes(ATTRIBUTES_NAME, content)) {
    return { kind, size: 0, files: 0 };
  }
  return { kind, size: parsePointer(content)?.size ?? content.length, files: 1 };
}

async function addSizes(
  store: ObjectStore,
  scan: {
    readonly content: PackBytes;
    readonly entries: readonly PackEntry[];
    readonly index: PackIndex;
    readonly statOf: StatOf;
  },
): Promise<PackEntry[]> {
  const reader = new GitReader(openAlone(store, scan.content, scan.index));
  const known = new Map<string, ObjectStat>();
  const own = new Map(scan.entries.map((entry) => [entry.id, entry]));
  const statOf = async (id: string): Promise<ObjectStat> => {
    const entry = own.get(id);
    const before = known.get(id);
    if (before || id === EMPTY_TREE) {
      return before ?? { kind: 'tree', size: 0, files: 0 };
    }
    if (entry?.kind !== 'tree') {
      return entry ?? (await scan.statOf(id)) ?? UNKNOWN_SIZE;
    }
    let size = 0;
    let files = 0;
    for (const child of decodeTree(await reader.readTreeBytes(id))) {
      const stat = await statOf(child.id);
      size += stat.size;
      files += stat.files;
    }
    const stat: ObjectStat = { kind: 'tree', size, files };
    known.set(id, stat);
    return stat;
  };
  const sized: PackEntry[] = [];
  for (const entry of scan.entries) {
    const { size, files } = entry.kind === 'tree' ? await statOf(entry.id) : entry;
    sized.push({ ...entry, size, files });
  }
  return sized;
}

/** Inflates what begins at `start`, which must be as long as its header says. */
function inflateAt(
  { pack, bytes }: PackBytes,
  stream: { readonly start: number; readonly size: number },
): { content: Buffer; used: number } {
  try {
    return inflateFrom(bytes.subarray(stream.start), stream.size);
  } catch (cause) {
    throw damagedPack(pack, 'a zlib stream is damaged', cause);
  }
}

function headerAt({ pack, bytes }: PackBytes, start: number): EntryHeader {
  const header = readEntryHeader(bytes, start);
  if (!header) {
    throw damagedPack(pack, 'it ends in the middle of an entry');
  }
  return header;
}

function damagedPack(pack: PackRef, why: string, cause?: unknown): EngineError {
  const key = packKey(pack.id);
  return new EngineError('corrupt', `Cannot read pack "${key}": ${why}; restore it from a copy`, {
    cause,
    details: { key },
  });
}
