// Contents of files as files on this disk, to be linked into what user code sees. It can be deleted at any time and
// holds nothing that the bucket doesn't; nothing in it is ever changed in place.

import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { EngineError, systemCode } from '../base/errors.ts';
import type { ContentReader } from './contents.ts';
import {
  copyTo,
  diskFreeBytes,
  fetchError,
  linkOrCopy,
  openError,
  placeError,
  writeNew,
  writeSmall,
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
}

const NAME_PATTERN = /^([0-9a-f]{40}x?)-(\d+)$/;
const FETCHING_PREFIX = 'fetching-';
const DEFAULT_MAX_FILES = 200_000;
/** How many bytes are written between two looks at the free space. */
const LOOK_AGAIN_BYTES = 64 * 1024 * 1024;

/** Files by blob id and executable bit, least recently used ones dropped first. */
export class FileCache {
  readonly #directory: string;
  readonly #options: FileCacheOptions;
  readonly #freeBytes: (directory: string) => Promise<number>;
  /** In the order of their last use. */
  readonly #entries = new Map<string, CacheEntry>();
  readonly #fetching = new Map<string, Promise<CacheEntry>>();
  #opening: Promise<void> | undefined;
  #bytes = 0;
  #promisedBytes = 0;
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
   * `resource_exhausted` where the cache or the disk has no room, with `invalid` for a name the disk can't hold.
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
    return entry.size;
  }

  /** Fetches a file that is not in the cache, so that {@link tryLink} will find it. Rejects as {@link place} does. */
  async warm(file: CachedFile, contents: ContentReader): Promise<void> {
    if (this.#entries.get(keyOf(file))?.isVerified !== true) {
      const entry = await this.#acquire(file, { contents });
      entry.pins -= 1;
    }
  }

  async #acquire(file: CachedFile, options: PlaceOptions): Promise<CacheEntry> {
    this.#opening ??= this.#open();
    await this.#opening;
    const key = keyOf(file);
    const known = this.#entries.get(key);
    if (known && this.#isIntact(key, known)) {
      this.#touch(key, known);
      known.pins += 1;
      return known;
    }
    let fetching = this.#fetching.get(key);
    if (!fetching) {
      fetching = this.#fetch(file, options.contents);
      this.#fetching.set(key, fetching);
      const done = () => this.#fetching.delete(key);
      fetching.then(done, done);
    }
    const entry = await fetching;
    entry.pins += 1;
    return entry;
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

  async #fetch(file: CachedFile, contents: ContentReader): Promise<CacheEntry> {
    const key = keyOf(file);
    const content = await contents.readFile(file.id);
    const size = content.kind === 'small' ? content.bytes.length : content.size;
    await this.#makeRoom(size, file);
    const path = this.#path(key, size);
    const mode = file.executable ? 0o555 : 0o444;
    try {
      if (content.kind === 'small') {
        this.#write(path, { bytes: content.bytes, mode });
      } else {
        await this.#stream(path, { file: file.id, source: content.read(), mode, size });
      }
    } catch (error) {
      throw fetchError(error, file.id);
    } finally {
      this.#promisedBytes -= size;
    }
    const entry: CacheEntry = { size, pins: 0, isVerified: true };
    this.#entries.set(key, entry);
    this.#bytes += size;
    this.#free -= size;
    return entry;
  }

  /** Writes a small file in one piece. What a crash leaves of one has another size than its name says. */
  #write(path: string, content: { bytes: Uint8Array; mode: number }): void {
    try {
      writeSmall(path, content);
    } catch (error) {
      rmSync(path, { force: true });
      if (systemCode(error) !== 'EEXIST') {
        throw error;
      }
      writeSmall(path, content);
    }
  }

  async #stream(
    path: string,
    content: { file: string; source: AsyncIterable<Uint8Array>; mode: number; size: number },
  ): Promise<void> {
    const { file, source, mode, size } = content;
    const temporary = join(this.#directory, `${FETCHING_PREFIX}${this.#nextTemporary++}`);
    try {
      const written = await writeNew(temporary, source, { mode, limit: size });
      if (written !== size) {
        throw new EngineError(
          'corrupt',
          `Cannot fetch file "${file}": ${written} bytes came instead of ${size}`,
        );
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Promises `size` bytes to one fetch, dropping files where needed, or refuses. */
  async #makeRoom(size: number, file: CachedFile): Promise<void> {
    const { maxBytes, minFreeBytes, maxFiles = DEFAULT_MAX_FILES } = this.#options;
    const taken = () => this.#bytes + this.#promisedBytes + size;
    if (taken() > maxBytes || this.#entries.size >= maxFiles) {
      await this.#drop(() => taken() <= maxBytes && this.#entries.size < maxFiles);
      if (taken() > maxBytes) {
        throw new EngineError(
          'resource_exhausted',
          `Cannot fetch a file of ${size} bytes: the cache "${this.#directory}" may hold ${maxBytes} bytes, and ${this.#bytes + this.#promisedBytes} of them are in use; raise its cap or use fewer workers`,
          { details: { file: file.id, size, maxBytes } },
        );
      }
    }
    this.#promisedBytes += size;
    this.#writtenSinceLook += size;
    const tooLittle = () => this.#free - this.#promisedBytes < minFreeBytes;
    try {
      if (this.#writtenSinceLook > LOOK_AGAIN_BYTES || tooLittle()) {
        await this.#look();
        if (tooLittle()) {
          const wanted = minFreeBytes + this.#promisedBytes - this.#free;
          await this.#drop((dropped) => dropped >= wanted);
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
  async #drop(isEnough: (dropped: number) => boolean): Promise<void> {
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
      if (entry.pins > 0 || links > 1) {
        continue;
      }
      this.#forget(key);
      rmSync(path, { force: true });
      dropped += entry.size;
    }
  }

  #touch(key: string, entry: CacheEntry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry && this.#entries.delete(key)) {
      this.#bytes -= entry.size;
    }
  }

  #path(key: string, size: number): string {
    return join(this.#directory, key.slice(0, 2), `${key}-${size}`);
  }

  /** Learns what an earlier process left; each file is looked at only when it is used. */
  async #open(): Promise<void> {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(this.#directory)) {
        if (name.startsWith(FETCHING_PREFIX)) {
          unlinkSync(join(this.#directory, name));
        }
      }
      for (let first = 0; first < 256; first++) {
        const shard = join(this.#directory, first.toString(16).padStart(2, '0'));
        mkdirSync(shard, { recursive: true });
        for (const name of readdirSync(shard)) {
          const [, key = '', size = ''] = NAME_PATTERN.exec(name) ?? [];
          if (key !== '') {
            this.#entries.set(key, { size: Number(size), pins: 0, isVerified: false });
            this.#bytes += Number(size);
          }
        }
        await setImmediate();
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
