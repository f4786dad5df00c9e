// The live packs, as their owner tells, and where each object is in them. It reads packs and never writes one.

import { EngineError, isEngineError } from '../base/errors.ts';
import { packIndexKey } from './keys.ts';
import type { PackCache } from './pack-cache.ts';
import type { PackIndex } from './pack-index.ts';
import type { PackEntry, PackKind, PackRef } from './pack-ref.ts';
import { PackTable } from './pack-table.ts';

/** Where an object was found. */
export interface PackHit {
  readonly pack: PackRef;
  readonly entry: PackEntry;
}

/** An object as its pack holds it: the entry's bytes, not yet decoded. */
export interface StoredObject extends PackHit {
  readonly bytes: Buffer;
  /** Of a delta: reads its base, out of the same pack. */
  readonly base?: () => Promise<StoredObject>;
}

/** A hit with the index that it was found in: the pack may leave the set before its base is read. */
interface IndexedHit extends PackHit {
  readonly index: PackIndex;
}

const PARALLEL_LOADS = 16;
const WINDOW_BYTES = 8 * 1024 * 1024;
/** A gap of unwanted bytes up to this size is read rather than skipped by another request. */
const GAP_BYTES = 64 * 1024;
const ID_BYTES: Readonly<Record<PackKind, number>> = { git: 20, chunk: 32 };

interface Shelf {
  readonly table: PackTable;
  /** Packs by the number the table gave them. */
  readonly packs: (PackRef | undefined)[];
  readonly slots: Map<string, number>;
  readonly unloaded: Map<string, PackRef>;
  loading: Promise<void> | undefined;
}

/** A set of live packs. Indexes are loaded when they are first needed, each once. */
export class PackSet {
  readonly #cache: PackCache;
  readonly #shelves: Readonly<Record<PackKind, Shelf>> = { git: newShelf(), chunk: newShelf() };
  /** Packs that have left the set while their objects are still in the store. */
  readonly #past: Readonly<Record<PackKind, Shelf>> = { git: newShelf(), chunk: newShelf() };
  readonly #scratch = Buffer.alloc(32);
  readonly #refresh: () => Promise<void>;

  /** `refresh` brings the set up to date: asked for when a pack is not there, since it may have been collected. */
  constructor(cache: PackCache, options: { readonly refresh?: () => Promise<void> } = {}) {
    this.#cache = cache;
    this.#refresh = options.refresh ?? (() => Promise.resolve());
  }

  get cache(): PackCache {
    return this.#cache;
  }

  /**
   * Adds a live pack. Its index is fetched on demand where it is neither handed in nor kept from when this process wrote
   * the pack. Adding a pack again changes nothing.
   */
  add(ref: PackRef, index?: PackIndex): void {
    const shelf = this.#shelves[ref.kind];
    if (shelf.slots.has(ref.id)) {
      return;
    }
    const known = index ?? this.#cache.takeIndex(ref.id);
    if (known) {
      shelf.unloaded.delete(ref.id);
      shelve(shelf, ref, known);
    } else {
      shelf.unloaded.set(ref.id, ref);
    }
  }

  /** Forgets a pack that is no longer live. */
  remove(id: string): void {
    for (const shelf of [...Object.values(this.#shelves), ...Object.values(this.#past)]) {
      shelf.unloaded.delete(id);
      const slot = shelf.slots.get(id);
      if (slot !== undefined) {
        shelf.slots.delete(id);
        shelf.packs[slot] = undefined;
        shelf.table.remove(slot);
      }
    }
  }

  /**
   * Takes a pack out of the set that may still be read for a while: {@link find} finds in it what no live pack has, for
   * those who had found it there before, and {@link findLoaded} does not.
   */
  retire(id: string): void {
    const kind = this.#shelves.git.slots.has(id) ? 'git' : 'chunk';
    const shelf = this.#shelves[kind];
    const slot = shelf.slots.get(id) ?? -1;
    const pack = shelf.packs[slot];
    const index = shelf.table.index(slot);
    this.remove(id);
    if (pack && index) {
      shelve(this.#past[kind], pack, index);
    }
  }

  /** Returns whether the pack is in the set. */
  has(id: string): boolean {
    return Object.values(this.#shelves).some((s) => s.slots.has(id) || s.unloaded.has(id));
  }

  /** Makes sure the indexes of all packs of a kind are in memory. Undefined when they are already. */
  load(kind: PackKind): Promise<void> | undefined {
    const shelf = this.#shelves[kind];
    if (shelf.unloaded.size === 0) {
      return undefined;
    }
    shelf.loading ??= this.#loadAll(shelf).finally(() => {
      shelf.loading = undefined;
    });
    return shelf.loading;
  }

  /** Looks among the indexes that are in memory only. An id of 40 hex digits is Git's, of 64 a chunk's or list's. */
  findLoaded(id: string): IndexedHit | undefined {
    return this.#findIn(this.#shelves[kindOf(id)], id);
  }

  #findIn(shelf: Shelf, id: string): IndexedHit | undefined {
    this.#scratch.write(id, 0, 'hex');
    const hit = shelf.table.find(this.#scratch);
    const pack = hit && shelf.packs[hit.slot];
    const index = hit && shelf.table.index(hit.slot);
    return pack && index ? { pack, index, entry: index.entryAt(hit.position) } : undefined;
  }

  /** Returns where an object is, or undefined when no live pack has it. Waits only where an index must be fetched. */
  find(id: string): IndexedHit | undefined | Promise<IndexedHit | undefined> {
    const hit = this.findLoaded(id);
    if (hit) {
      return hit;
    }
    const loading = this.load(kindOf(id));
    return loading ? loading.then(() => this.find(id)) : this.#findIn(this.#past[kindOf(id)], id);
  }

  /**
   * Returns bytes `start` to `end` of a pack. The buffer may be shared: it must not be written to. Rejects with `conflict`
   * where the pack was collected meanwhile.
   */
  async readRange(
    pack: PackRef,
    range: { start: number; end: number; into?: Buffer | undefined },
  ): Promise<Buffer> {
    try {
      return await this.#cache.read(pack, range);
    } catch (error) {
      throw await this.#explain(pack, error);
    }
  }

  /** A pack that is not there is damage only if it should be. */
  async #explain(pack: PackRef, error: unknown): Promise<unknown> {
    if (!isEngineError(error, 'corrupt')) {
      return error;
    }
    await this.#refresh();
    return this.has(pack.id)
      ? error
      : new EngineError(
          'conflict',
          `Cannot read pack "${pack.id}": it was collected meanwhile; try again`,
          { cause: error, details: { pack: pack.id } },
        );
  }

  /** Returns the packs of a kind with their indexes, as they are now. */
  async indexes(kind: PackKind): Promise<{ pack: PackRef; index: PackIndex }[]> {
    const shelf = this.#shelves[kind];
    while (shelf.unloaded.size > 0) {
      await this.load(kind);
    }
    return [...shelf.slots.values()].flatMap((slot) => {
      const pack = shelf.packs[slot];
      const index = shelf.table.index(slot);
      return pack && index ? [{ pack, index }] : [];
    });
  }

  /** Reads one object as it is stored, into memory that is handed in where that can be; `corrupt` when no live pack has it. */
  async read(id: string, options: { into?: Buffer | undefined } = {}): Promise<StoredObject> {
    for (let last: PackRef | undefined; ; ) {
      const hit = await this.find(id);
      if (!hit) {
        throw missing(id);
      }
      try {
        return await this.readHit(hit, options);
      } catch (error) {
        // The pack may have been collected meanwhile: what is still reached is in another one by then.
        if (this.has(hit.pack.id) || hit.pack === last) {
          throw error;
        }
        last = hit.pack;
      }
    }
  }

  /** Reads the object at a place, as it is stored, whether or not the pack is still in the set. */
  async readHit(
    hit: IndexedHit,
    options: { fresh?: boolean; into?: Buffer | undefined } = {},
  ): Promise<StoredObject> {
    const { offset, stored } = hit.entry;
    const range = { start: offset, end: offset + stored };
    const bytes = options.fresh
      ? await this.#cache.readFresh(hit.pack, range)
      : await this.readRange(hit.pack, { ...range, into: options.into });
    return this.#storedObject(hit, bytes, { fresh: options.fresh ?? false });
  }

  /** Reads one object again, past all caches: what came first was damaged. */
  async readAgain(id: string): Promise<StoredObject> {
    const hit = await this.find(id);
    if (!hit) {
      throw missing(id);
    }
    return await this.readHit(hit, { fresh: true });
  }

  /**
   * Reads many objects, each once, in the order in which they stand in their packs rather than the one asked
   * for. Holds a few windows of at most 8 MiB (or one object); the caller bounds the list of ids.
   */
  async *readMany(ids: Iterable<string>): AsyncGenerator<StoredObject> {
    const hits: IndexedHit[] = [];
    for (const id of new Set(ids)) {
      const found = this.find(id);
      const hit = found instanceof Promise ? await found : found;
      if (!hit) {
        throw missing(id);
      }
      hits.push(hit);
    }
    const windows = toWindows(hits);
    const ahead: Promise<Buffer>[] = [];
    const fetch = (number: number) => {
      const window = windows[number];
      if (window) {
        const bytes = this.readRange(window.pack, window);
        // The error is thrown where the window is used; until then it must not count as unhandled.
        bytes.catch(() => undefined);
        ahead.push(bytes);
      }
    };
    fetch(0);
    for (const [number, window] of windows.entries()) {
      fetch(number + 1);
      let bytes: Buffer | undefined;
      try {
        bytes = await ahead.shift();
      } catch (error) {
        if (this.has(window.pack.id)) {
          throw error;
        }
      }
      for (const hit of window.hits) {
        const start = hit.entry.offset - window.start;
        yield bytes
          ? this.#storedObject(hit, bytes.subarray(start, start + hit.entry.stored))
          : await this.read(hit.entry.id);
      }
    }
  }

  #storedObject(hit: IndexedHit, bytes: Buffer, options: { fresh?: boolean } = {}): StoredObject {
    const { pack, index, entry } = hit;
    const { base } = entry;
    if (base === undefined) {
      return { pack, entry, bytes };
    }
    const position = index.find(Buffer.from(base, 'hex'));
    if (position < 0) {
      throw new EngineError(
        'corrupt',
        `Cannot read object "${entry.id}": pack "${pack.id}" lacks its base "${base}"; restore the pack from a copy`,
        { details: { object: entry.id, pack: pack.id } },
      );
    }
    const read = () => this.readHit({ pack, index, entry: index.entryAt(position) }, options);
    return { pack, entry, bytes, base: read };
  }

  async #loadAll(shelf: Shelf): Promise<void> {
    const queue = [...shelf.unloaded.values()];
    const work = async () => {
      for (let ref = queue.shift(); ref; ref = queue.shift()) {
        let index: PackIndex;
        try {
          index = await this.#cache.readIndex(ref.id);
        } catch (error) {
          await this.#refresh();
          if (shelf.unloaded.has(ref.id)) {
            throw error;
          }
          continue;
        }
        if (index.idBytes !== ID_BYTES[ref.kind] || index.packBytes !== ref.bytes) {
          const key = packIndexKey(ref.id);
          throw new EngineError(
            'corrupt',
            `Cannot read pack index "${key}": it belongs to another pack; rebuild it`,
            { details: { key } },
          );
        }
        // It may have been removed, or added with its index, while it was on its way.
        if (shelf.unloaded.delete(ref.id)) {
          shelve(shelf, ref, index);
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_LOADS }, work));
  }
}

function newShelf(): Shelf {
  return {
    table: new PackTable(),
    packs: [],
    slots: new Map(),
    unloaded: new Map(),
    loading: undefined,
  };
}

function shelve(shelf: Shelf, ref: PackRef, index: PackIndex): void {
  const slot = shelf.table.add(index);
  shelf.packs[slot] = ref;
  shelf.slots.set(ref.id, slot);
}

function kindOf(id: string): PackKind {
  return id.length === 40 ? 'git' : 'chunk';
}

function missing(id: string): EngineError {
  return new EngineError(
    'corrupt',
    `Cannot read object "${id}": no live pack has it; run pfs fsck to see what is affected`,
    { details: { object: id } },
  );
}

interface Window {
  readonly pack: PackRef;
  readonly start: number;
  end: number;
  readonly hits: IndexedHit[];
}

function toWindows(hits: IndexedHit[]): Window[] {
  hits.sort((a, b) =>
    a.pack.id === b.pack.id ? a.entry.offset - b.entry.offset : a.pack.id < b.pack.id ? -1 : 1,
  );
  const windows: Window[] = [];
  let last: Window | undefined;
  for (const hit of hits) {
    const { offset, stored } = hit.entry;
    const end = offset + stored;
    if (
      last?.pack.id === hit.pack.id &&
      offset - last.end <= GAP_BYTES &&
      end - last.start <= WINDOW_BYTES
    ) {
      last.end = end;
      last.hits.push(hit);
    } else {
      last = { pack: hit.pack, start: offset, end, hits: [hit] };
      windows.push(last);
    }
  }
  return windows;
}
