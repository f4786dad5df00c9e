// A bounded directory of objects, shared by all engines of one machine. All it knows is in the directory itself: the
// time of change of a file is when its object was last used. Nothing in it is needed; all of it may be deleted.

import { createHash } from 'node:crypto';
import { open, readdir, rename, stat, statfs, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { systemCode } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { areSound, blocksAround, encodeTail, isTailOf, sizesOf } from './cache-file.ts';
import { readFully, writeFully } from './file-bytes.ts';
import type { ByteRange } from './object-store.ts';

/** The part of the cache that is filled between two looks at the whole directory. */
const SLACK = 1 / 8;
/** A use is noted at most this often, so that reading does not mean writing. */
const NOTE_EVERY_MS = 60_000;
const STALE_TEMPORARY_MS = 60 * 60 * 1000;

export interface CacheDirectoryOptions {
  readonly maxBytes: number;
  /** Nothing is added when the disk would have less left than this. */
  readonly minFreeBytes: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** What is cached of an object: the bytes asked for, and the size of the whole. */
export interface Cached {
  readonly bytes: Buffer | undefined;
  readonly size: number;
}

/** Files of objects, the least recently used of which go first. `directory` exists. */
export class CacheDirectory {
  readonly #directory: string;
  readonly #options: CacheDirectoryOptions;
  readonly #temporaryPrefix: string;
  #temporaries = 0;
  #addedBytes = Number.POSITIVE_INFINITY;
  #sweeping: Promise<void> | undefined;

  constructor(directory: string, options: CacheDirectoryOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#temporaryPrefix = `.${options.random.bytes(8).toString('hex')}`;
  }

  /**
   * Returns a range, or all, of a cached object; undefined when it is not cached. `bytes` is undefined when the
   * range reaches beyond the object. A damaged file is removed and counts as not cached.
   */
  async read(key: string, range?: ByteRange): Promise<Cached | undefined> {
    const path = this.#path(key);
    const handle = await open(path, 'r').catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    });
    if (handle === undefined) {
      return undefined;
    }
    try {
      const stats = await handle.stat();
      const sizes = sizesOf(stats.size);
      if (sizes !== undefined) {
        const size = sizes.content;
        const tail = await readFully(handle, { start: size, end: stats.size });
        if (isTailOf(key, tail, size)) {
          const { start, end } = range ?? { start: 0, end: size };
          if (end > size) {
            return { bytes: undefined, size };
          }
          const blocks = blocksAround({ start, end }, size);
          const bytes = await readFully(handle, blocks);
          if (areSound(bytes, { start: blocks.start, tail })) {
            await this.#noteUse(path, stats.mtimeMs);
            return { bytes: bytes.subarray(start - blocks.start, end - blocks.start), size };
          }
        }
      }
    } finally {
      await handle.close();
    }
    await this.remove(key);
    return undefined;
  }

  /** Adds an object, when there is room for it. */
  async add(key: string, bytes: Buffer): Promise<void> {
    const { clock } = this.#options;
    const tail = encodeTail(key, bytes);
    const size = bytes.length + tail.length;
    if (!(await this.#makeRoom(size))) {
      return;
    }
    this.#temporaries += 1;
    const temporary = join(this.#directory, `${this.#temporaryPrefix}-${this.#temporaries}`);
    try {
      const handle = await open(temporary, 'wx');
      try {
        await writeFully(
          handle,
          [bytes, tail].filter((piece) => piece.length > 0),
        );
        await handle.utimes(clock.now() / 1000, clock.now() / 1000);
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#path(key));
    } catch (error) {
      await removeFile(temporary);
      throw error;
    }
    this.#addedBytes += size;
  }

  /** Removes what is cached of an object. */
  async remove(key: string): Promise<void> {
    await removeFile(this.#path(key));
  }

  #path(key: string): string {
    return join(this.#directory, createHash('sha256').update(key).digest('hex').slice(0, 40));
  }

  async #noteUse(path: string, lastUsed: number): Promise<void> {
    const now = this.#options.clock.now();
    if (now - lastUsed > NOTE_EVERY_MS) {
      await utimes(path, now / 1000, now / 1000).catch((error: unknown) => {
        // Another process may have evicted it.
        if (systemCode(error) !== 'ENOENT') {
          throw error;
        }
      });
    }
  }

  async #makeRoom(size: number): Promise<boolean> {
    const { maxBytes, minFreeBytes } = this.#options;
    const slack = maxBytes * SLACK;
    if (size > maxBytes) {
      return false;
    }
    if (this.#addedBytes + size > slack) {
      this.#sweeping ??= this.#sweep(maxBytes - Math.max(slack, size)).finally(() => {
        this.#sweeping = undefined;
      });
      await this.#sweeping;
    }
    const { bavail, bsize } = await statfs(this.#directory);
    return bavail * bsize - size >= minFreeBytes;
  }

  /** Removes the least recently used files until at most `target` bytes are left. */
  async #sweep(target: number): Promise<void> {
    this.#addedBytes = 0;
    const now = this.#options.clock.now();
    const files: { path: string; size: number; used: number }[] = [];
    let total = 0;
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const stats = await stat(path).catch((error: unknown) => {
        if (systemCode(error) === 'ENOENT') {
          return undefined;
        }
        throw error;
      });
      if (stats?.isFile() && name.startsWith('.')) {
        if (now - stats.mtimeMs > STALE_TEMPORARY_MS) {
          await removeFile(path);
        }
      } else if (stats?.isFile()) {
        files.push({ path, size: stats.size, used: stats.mtimeMs });
        total += stats.size;
      }
    }
    files.sort((a, b) => a.used - b.used);
    for (const { path, size } of files) {
      if (total <= target) {
        return;
      }
      await removeFile(path);
      total -= size;
    }
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') {
      throw error;
    }
  }
}
