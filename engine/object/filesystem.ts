// A bucket as a directory: one file per object. Nothing is written in place: a file appears whole, under its
// final name, or not at all.

import type { Dirent, Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../base/clock.ts';
import { EngineError, systemCode } from '../base/errors.ts';
import { MAX_OBJECT_BYTES } from '../base/limits.ts';
import type { Random } from '../base/random.ts';
import { DurableDirectories, syncDirectory } from './durable-directories.ts';
import { readFully } from './file-bytes.ts';
import { filesystemError } from './filesystem-error.ts';
import { ObjectPlacer, TEMPORARY_DIRECTORY } from './object-placer.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';
import {
  absentError,
  beyondError,
  checkBytes,
  checkKey,
  checkPrefix,
  checkRange,
  checkSignal,
  equalsPieces,
  takenError,
} from './request-checks.ts';

const STALE_AFTER_MS = 24 * 60 * 60 * 1000;
const STATS_AT_ONCE = 32;

export interface FilesystemOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Does everything on the thread that asks, which waits for the disk: for who watches what becomes of each call. */
  readonly isSingleThread?: boolean;
}

/** Keeps objects as files below a directory of a file system with hard links. */
export class FilesystemObjectStore implements ObjectStore {
  readonly url: string;
  readonly #root: string;
  readonly #identity: string;
  readonly #directories: DurableDirectories;
  readonly #placer: ObjectPlacer;

  private constructor(
    root: string,
    options: { identity: string; prefix: string; isSingleThread: boolean },
  ) {
    this.url = pathToFileURL(root).href;
    this.#root = root;
    this.#identity = options.identity;
    this.#directories = new DurableDirectories(root);
    this.#placer = new ObjectPlacer({
      root,
      url: this.url,
      prefix: options.prefix,
      isSingleThread: options.isSingleThread,
      directories: this.#directories,
      checkRoot: (what, cause) => this.#checkRoot(what, cause),
    });
  }

  /** Opens the store in `directory`, makes it if it is missing, and removes what killed writers left a day ago. */
  static async open(directory: string, options: FilesystemOptions): Promise<FilesystemObjectStore> {
    const root = resolve(directory);
    try {
      const first = await mkdir(root, { recursive: true });
      if (first !== undefined) {
        for (let path = root; path.length >= first.length; path = dirname(path)) {
          await syncDirectory(dirname(path));
        }
      }
      // Nothing is made inside before the first write: the directory may turn out to be somebody else's.
      await removeStale(join(root, TEMPORARY_DIRECTORY), options.clock);
      return new FilesystemObjectStore(root, {
        identity: identityOf(await stat(root)),
        prefix: options.random.bytes(8).toString('hex'),
        isSingleThread: options.isSingleThread ?? false,
      });
    } catch (error) {
      throw filesystemError(error, `Cannot open store "${root}"`);
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { range, signal, into } = options;
    checkKey(key);
    checkSignal(signal);
    if (range !== undefined) {
      checkRange(range);
    }
    let handle: FileHandle | undefined;
    try {
      handle = await open(this.#path(key), 'r');
      const { size } = await handle.stat();
      const { start, end } = range ?? { start: 0, end: size };
      if (end > size) {
        throw beyondError(key, this.url, { start, end }, { size });
      }
      if (end - start > MAX_OBJECT_BYTES) {
        throw new EngineError(
          'corrupt',
          `Cannot read object "${key}" of ${this.url}: it has ${size} bytes, more than any object; run pfs fsck`,
        );
      }
      return await readFully(handle, { start, end }, into);
    } catch (error) {
      throw await this.#readError(error, key);
    } finally {
      await handle?.close();
    }
  }

  async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<void> {
    checkKey(key);
    checkSignal(options.signal);
    const { pieces, size } = checkBytes(bytes);
    const ifAbsent = options.ifAbsent === true;
    // What is replaced, again and again, is nothing that anybody waits for.
    if (ifAbsent && (await this.#placer.putSmall(key, { pieces, size }))) {
      return;
    }
    let temporary: string | undefined;
    try {
      temporary = await this.#placer.writeTemporary(pieces, { size, key });
      checkSignal(options.signal);
      const placed = await this.#placer.place(temporary, key, ifAbsent);
      // Also when another writer placed these very bytes: it may have been killed before they were durable.
      if (!placed && !equalsPieces(await this.get(key), pieces)) {
        throw takenError(key, this.url);
      }
      const leftover = placed && !ifAbsent ? undefined : temporary;
      temporary = undefined;
      await Promise.all([
        this.#directories.sync(dirname(this.#path(key))),
        leftover === undefined ? undefined : unlink(leftover),
      ]);
    } catch (error) {
      // What cannot be removed now is removed by an open, a day later; the first error is the one to tell.
      await (temporary === undefined ? undefined : unlink(temporary).catch(() => undefined));
      throw this.#writeError(error, key);
    }
  }

  async head(key: string): Promise<ObjectInfo> {
    checkKey(key);
    try {
      const stats = await stat(this.#path(key));
      if (!stats.isFile()) {
        throw Object.assign(new Error('not a file'), { code: 'EISDIR' });
      }
      return infoOf(key, stats);
    } catch (error) {
      throw await this.#readError(error, key);
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    const slash = prefix.lastIndexOf('/');
    yield* this.#listDirectory(prefix.slice(0, slash + 1), prefix, options.startAfter ?? '');
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    const path = this.#path(key);
    try {
      await unlink(path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') {
        throw filesystemError(error, `Cannot delete object "${key}" of ${this.url}`);
      }
      await this.#checkRoot(`Cannot delete object "${key}" of ${this.url}`, error);
      return;
    }
    await this.#removeIfEmpty(dirname(path));
  }

  #path(key: string): string {
    return join(this.#root, key);
  }

  async *#listDirectory(
    base: string,
    prefix: string,
    startAfter: string,
  ): AsyncIterable<ObjectInfo> {
    const names = (await this.#entries(base))
      .map((entry) => base + entry.name + (entry.isDirectory() ? '/' : ''))
      .filter((key) => key.startsWith(prefix) || (key.endsWith('/') && prefix.startsWith(key)))
      .filter((key) => key > startAfter || (key.endsWith('/') && startAfter.startsWith(key)))
      .sort();
    for (let i = 0; i < names.length; ) {
      const key = names[i] ?? '';
      if (key.endsWith('/')) {
        yield* this.#listDirectory(key, prefix, startAfter);
        i += 1;
        continue;
      }
      const files: string[] = [];
      for (let file = names[i]; file && !file.endsWith('/') && files.length < STATS_AT_ONCE; ) {
        files.push(file);
        i += 1;
        file = names[i];
      }
      for (const info of await Promise.all(files.map((file) => this.#infoIfPresent(file)))) {
        if (info !== undefined) {
          yield info;
        }
      }
    }
  }

  async #entries(base: string): Promise<Dirent[]> {
    try {
      const entries = await readdir(this.#path(base), { withFileTypes: true });
      return entries.filter((e) => !e.name.startsWith('.') && (e.isFile() || e.isDirectory()));
    } catch (error) {
      const what = `Cannot list "${base}" of ${this.url}`;
      if (systemCode(error) !== 'ENOENT') {
        throw filesystemError(error, what);
      }
      await this.#checkRoot(what, error);
      return [];
    }
  }

  async #infoIfPresent(key: string): Promise<ObjectInfo | undefined> {
    try {
      return infoOf(key, await stat(this.#path(key)));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') {
        return undefined;
      }
      throw filesystemError(error, `Cannot list object "${key}" of ${this.url}`);
    }
  }

  async #removeIfEmpty(directory: string): Promise<void> {
    if (directory === this.#root) {
      return;
    }
    this.#directories.forget(directory);
    try {
      await rmdir(directory);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'].includes(systemCode(error) ?? '')) {
        throw filesystemError(
          error,
          `Cannot remove directory "${basename(directory)}" of ${this.url}`,
        );
      }
    }
  }

  async #readError(error: unknown, key: string): Promise<EngineError> {
    const what = `Cannot read object "${key}" of ${this.url}`;
    if (systemCode(error) !== 'ENOENT') {
      return filesystemError(error, what);
    }
    await this.#checkRoot(what, error);
    return absentError(key, this.url, error);
  }

  #writeError(error: unknown, key: string): EngineError {
    if (error instanceof EngineError) {
      return error;
    }
    return filesystemError(error, `Cannot write object "${key}" of ${this.url}`);
  }

  /** Rejects when the directory was moved, removed or unmounted: then a missing file says nothing of its object. */
  async #checkRoot(what: string, cause: unknown): Promise<void> {
    let present = false;
    try {
      present = identityOf(await stat(this.#root)) === this.#identity;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') {
        throw filesystemError(error, what);
      }
    }
    if (!present) {
      throw new EngineError(
        'unavailable',
        `${what}: the directory is gone or another one is in its place; is it still mounted?`,
        { cause },
      );
    }
  }
}

function identityOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}`;
}

function infoOf(key: string, stats: Stats): ObjectInfo {
  return { key, size: stats.size, modified: Math.floor(stats.mtimeMs) };
}

async function removeStale(directory: string, clock: Clock): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') {
      return [];
    }
    throw error;
  });
  for (const name of names) {
    const path = join(directory, name);
    try {
      if (clock.now() - (await stat(path)).mtimeMs > STALE_AFTER_MS) {
        await unlink(path);
      }
    } catch (error) {
      // Another process may be cleaning up too; and what can't be written to can still be read.
      if (!['ENOENT', 'EROFS', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) {
        throw error;
      }
    }
  }
}
