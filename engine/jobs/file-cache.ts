// Contents of files as files on this disk, to be linked into what user code sees. It can be deleted at any time and
// holds nothing that the bucket doesn't; nothing in it is ever changed in place.

import { linkSync, lstatSync, rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { CacheCounts } from '../base/cache-counts.ts';
import { EngineError, isEngineError, systemCode } from '../base/errors.ts';
import {
  cachedFiles,
  cachedPath,
  fetchingPath,
  streamCached,
  writeCached,
} from './cached-files.ts';
import type { ContentReader } from './contents.ts';
import {
  copyTo,
  diskFreeBytes,
  fetchError,
  linkOrCopy,
  openError,
  placeError,
} from './host-file.ts';

export interface FileCacheOptions {
  /** What the files may take up in all. Files in use count and can't be dropped. */
  readonly maxBytes: number;
  /** What must stay free on the disk. */
  readonly minFreeBytes: number;
  /** The most files kept; 200,000 where not named. */
  readonly maxFiles?: number;
  /** Says how much room the disk has; asks the file system where not named. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** A file's content, by the blob that stands for it. */
export interface CachedFile {
  readonly id: string;
  readonly executable: boolean;
}

export interface PlaceOptions {
  readonly contents: ContentReader;
  /** Make a file of its own instead of a link, so that whoever changes it changes nothing else. */
  readonly copy?: boolean;
  readonly signal?: AbortSignal;
}

interface CacheEntry {
  readonly size: number;
  /** Users between look-up and link. */
  pins: number;
  /** Looked at by this process: it is there, of that size. */
  isVerified: boolean;
  /** Fetched before it was needed, and not used since. */
  isAhead: boolean;
}

interface Fetch {
  readonly done: Promise<CacheEntry>;
  /** For nobody who needs the file now. */
  readonly isAhead: boolean;
}

type FetchOptions = Pick<PlaceOptions, 'contents' | 'signal'> & { readonly isAhead: boolean };

const DEFAULT_MAX_FILES = 200_000;
/** How many bytes are written between two looks at the free space. */
const LOOK_AGAIN_BYTES = 64 * 1024 * 1024;

/** Files by blob id and executable bit, least recently used ones dropped first. */
export class FileCache {
  readonly counts = new CacheCounts();
  readonly #directory: string;
  readonly #options: FileCacheOptions;
  readonly #freeBytes: (directory: string) => Promise<number>;
  /** In the order of their last use. */
  readonly #entries = new Map<string, CacheEntry>();
  readonly #fetching = new Map<string, Fetch>();
  #opening: Promise<void> | undefined;
  #bytes = 0;
  #promisedBytes = 0;
  /** What files take up that were fetched ahead, and not used since. */
  #aheadBytes = 0;
  /** How many wait until fetches ahead are over, for want of room. */
  #wanting = 0;
  #writtenSinceLook = Number.POSITIVE_INFINITY;
  #free = 0;
  #nextTemporary = 0;

  /** `directory` is made when first needed, and belongs to this cache alone. */
  constructor(directory: string, options: FileCacheOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#freeBytes = options.freeBytes ?? diskFreeBytes;
  }

  /** What the files take up. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Makes `target`, which doesn't exist, a read-only file of that content; returns its size. Rejects with
   * `resource_exhausted` where the cache or the disk has no room, with `invalid` for a name the disk can't hold, with
   * `cancelled` when the signal aborts a fetch.
   */
  async place(file: CachedFile, options: PlaceOptions & { target: string }): Promise<number> {
    const { target } = options;
    const key = keyOf(file);
    for (let attempt = 1; ; attempt++) {
      const entry = await this.#acquire(file, options);
      try {
        const path = this.#path(key, entry.size);
        if (options.copy) {
          await copyTo(path, target);
        } else {
          await linkOrCopy(path, target);
        }
        return entry.size;
      } catch (error) {
        // Somebody else removed the cached file, or the target's directory: only the first can be mended.
        if (systemCode(error) !== 'ENOENT' || attempt > 1) {
          throw placeError(error, target);
        }
        this.#forget(key);
      } finally {
        entry.pins -= 1;
      }
    }
  }

  /** As {@link place} with a link, but at once, for a file that is in the cache; undefined where it is not. */
  tryLink(file: CachedFile, target: string): number | undefined {
    const key = keyOf(file);
    const entry = this.#entries.get(key);
    if (!entry?.isVerified) {
      return undefined;
    }
    try {
      linkSync(this.#path(key, entry.size), target);
    } catch (error) {
      if (['ENOENT', 'EMLINK', 'EXDEV', 'EPERM'].includes(systemCode(error) ?? '')) {
        return undefined;
      }
      throw placeError(error, target);
    }
    this.#touch(key, entry);
    this.counts.count(true);
    return entry.size;
  }

  /**
   * Fetches a file that is not in the cache, so that {@link tryLink} will find it, unless that is being done. Rejects as
   * {@link place} does, and with `resource_exhausted` sooner: it takes at most half of the cache, leaves twice as
   * much free on the disk, drops no file that was fetched ahead itself, and gives way to those who need room now.
   */
  async warm(file: CachedFile, options: Omit<PlaceOptions, 'copy'>): Promise<void> {
    await this.#opened();
    const key = keyOf(file);
    const known = this.#entries.get(key);
    if (!(known && this.#isIntact(key, known)) && !this.#fetching.has(key)) {
      await this.#begin(file, { ...options, isAhead: true }).done;
    }
  }

  async #acquire(file: CachedFile, options: PlaceOptions): Promise<CacheEntry> {
    await this.#opened();
    const key = keyOf(file);
    for (;;) {
      if (options.signal?.aborted) {
        throw new EngineError('cancelled', 'Cannot fetch the file: the work was cancelled');
      }
      const known = this.#entries.get(key);
      if (known && this.#isIntact(key, known)) {
        this.#touch(key, known);
        this.counts.count(true);
        known.pins += 1;
        return known;
      }
      const joined = this.#fetching.get(key);
      try {
        const fetch = joined ?? this.#begin(file, { ...options, isAhead: false });
        const entry = await fetch.done;
        this.#use(entry);
        this.counts.count(false);
        entry.pins += 1;
        return entry;
      } catch (error) {
        // That of a fetch ahead is nobody's failure, and whoever was cancelled was another one.
        const isOthers =
          joined !== undefined && (joined.isAhead || isEngineError(error, 'cancelled'));
        if (!isOthers && !(await this.#hasWaited(error))) {
          throw error;
        }
      }
    }
  }

  /** After an error for want of room: resolves when one of the fetches ahead is over; false where there are none. */
  async #hasWaited(error: unknown): Promise<boolean> {
    const ahead = [...this.#fetching.values()].filter(({ isAhead }) => isAhead);
    if (!isEngineError(error, 'resource_exhausted') || ahead.length === 0) {
      return false;
    }
    this.#wanting += 1;
    try {
      await Promise.race(ahead.map(({ done }) => done.catch(() => undefined)));
    } finally {
      this.#wanting -= 1;
    }
    return true;
  }

  #begin(file: CachedFile, options: FetchOptions): Fetch {
    const key = keyOf(file);
    const fetch = { done: this.#fetch(file, options), isAhead: options.isAhead };
    this.#fetching.set(key, fetch);
    const over = () => this.#fetching.delete(key);
    fetch.done.then(over, over);
    return fetch;
  }

  #isIntact(key: string, entry: CacheEntry): boolean {
    if (entry.isVerified) {
      return true;
    }
    const path = this.#path(key, entry.size);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    entry.isVerified = stat?.isFile() === true && stat.size === entry.size;
    if (!entry.isVerified) {
      this.#forget(key);
      rmSync(path, { force: true, recursive: true });
    }
    return entry.isVerified;
  }

  async #fetch(file: CachedFile, options: FetchOptions): Promise<CacheEntry> {
    const { contents, isAhead, signal } = options;
    const key = keyOf(file);
    const content = await contents.readFile(file.id);
    const size = content.kind === 'small' ? content.bytes.length : content.size;
    await this.#makeRoom(size, { file, isAhead });
    const path = this.#path(key, size);
    const mode = file.executable ? 0o555 : 0o444;
    try {
      if (content.kind === 'small') {
        writeCached(path, { bytes: content.bytes, mode });
      } else {
        const source = content.read();
        const temporary = fetchingPath(this.#directory, this.#nextTemporary++);
        await streamCached(path, { file: file.id, temporary, source, mode, size, signal });
      }
    } catch (error) {
      throw fetchError(error, file.id);
    } finally {
      this.#promisedBytes -= size;
    }
    const entry: CacheEntry = { size, pins: 0, isVerified: true, isAhead };
    this.#entries.set(key, entry);
    this.#bytes += size;
    this.#aheadBytes += isAhead ? size : 0;
    this.#free -= size;
    return entry;
  }

  /** Promises `size` bytes to one fetch, dropping files where needed, or refuses. */
  async #makeRoom(
    size: number,
    options: { readonly file: CachedFile; readonly isAhead: boolean },
  ): Promise<void> {
    const { file, isAhead } = options;
    const { maxBytes, minFreeBytes, maxFiles = DEFAULT_MAX_FILES } = this.#options;
    const taken = () => this.#bytes + this.#promisedBytes + size;
    const isTooMuch = () =>
      isAhead &&
      (this.#wanting > 0 || this.#aheadBytes + this.#promisedBytes + size > maxBytes / 2);
    if (!isTooMuch() && (taken() > maxBytes || this.#entries.size >= maxFiles)) {
      const isEnough = () => taken() <= maxBytes && this.#entries.size < maxFiles;
      await this.#drop(isEnough, { keepsAhead: isAhead });
    }
    if (isTooMuch() || taken() > maxBytes) {
      throw new EngineError(
        'resource_exhausted',
        `Cannot fetch a file of ${size} bytes: the cache "${this.#directory}" may hold ${maxBytes} bytes, and ${this.#bytes + this.#promisedBytes} of them are in use; raise its cap or use fewer workers`,
        { details: { file: file.id, size, maxBytes } },
      );
    }
    this.#promisedBytes += size;
    this.#writtenSinceLook += size;
    // User code that is at work needs some of it, too.
    const least = isAhead ? minFreeBytes * 2 : minFreeBytes;
    const tooLittle = () => this.#free - this.#promisedBytes < least;
    try {
      if (this.#writtenSinceLook > LOOK_AGAIN_BYTES || tooLittle()) {
        await this.#look();
        if (tooLittle() && !isAhead) {
          const wanted = minFreeBytes + this.#promisedBytes - this.#free;
          await this.#drop((dropped) => dropped >= wanted, { keepsAhead: false });
          await this.#look();
        }
      }
      if (tooLittle()) {
        throw new EngineError(
          'resource_exhausted',
          `Cannot fetch a file of ${size} bytes: the disk of "${this.#directory}" has ${this.#free} bytes free, and ${minFreeBytes} must stay free; make room on it`,
          { details: { file: file.id, size, minFreeBytes } },
        );
      }
    } catch (error) {
      this.#promisedBytes -= size;
      throw error;
    }
  }

  async #look(): Promise<void> {
    this.#free = await this.#freeBytes(this.#directory);
    this.#writtenSinceLook = 0;
  }

  /** Drops files that nobody uses, the least recently used first, until `isEnough` of the bytes dropped. */
  async #drop(
    isEnough: (dropped: number) => boolean,
    options: { readonly keepsAhead: boolean },
  ): Promise<void> {
    let dropped = 0;
    let looked = 0;
    for (const [key, entry] of this.#entries) {
      if (isEnough(dropped)) {
        return;
      }
      looked += 1;
      if (looked % 1000 === 0) {
        await setImmediate();
      }
      const path = this.#path(key, entry.size);
      // A file that is linked elsewhere takes up its room whether it is dropped here or not.
      const links = lstatSync(path, { throwIfNoEntry: false })?.nlink ?? 0;
      if (entry.pins > 0 || links > 1 || (options.keepsAhead && entry.isAhead)) {
        continue;
      }
      this.#forget(key);
      rmSync(path, { force: true });
      dropped += entry.size;
    }
  }

  #touch(key: string, entry: CacheEntry): void {
    this.#use(entry);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  /** Says that an entry is not ahead of its use any more. */
  #use(entry: CacheEntry): void {
    this.#aheadBytes -= entry.isAhead ? entry.size : 0;
    entry.isAhead = false;
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry && this.#entries.delete(key)) {
      this.#use(entry);
      this.#bytes -= entry.size;
    }
  }

  #path(key: string, size: number): string {
    return cachedPath(this.#directory, { key, size });
  }

  async #opened(): Promise<void> {
    this.#opening ??= this.#open();
    await this.#opening;
  }

  /** Learns what an earlier process left; each file is looked at only when it is used. */
  async #open(): Promise<void> {
    try {
      for await (const { key, size } of cachedFiles(this.#directory)) {
        this.#entries.set(key, { size, pins: 0, isVerified: false, isAhead: false });
        this.#bytes += size;
      }
    } catch (error) {
      this.#entries.clear();
      this.#bytes = 0;
      this.#opening = undefined;
      throw openError(error, this.#directory);
    }
  }
}

function keyOf(file: CachedFile): string {
  return file.executable ? `${file.id}x` : file.id;
}
