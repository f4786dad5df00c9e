// A bucket as a directory: one file per object. Nothing is written in place: a file appears whole, under its
// final name, or not at all.

import type { Dirent, Stats } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../base/clock.ts';
import { EngineError, systemCode } from '../base/errors.ts';
import { MAX_OBJECT_BYTES } from '../base/limits.ts';
import type { Random } from '../base/random.ts';
import { writeDirectly } from './direct-write.ts';
import { DurableDirectories, syncDirectory } from './durable-directories.ts';
import { readFully, writeFully } from './file-bytes.ts';
import { filesystemError } from './filesystem-error.ts';
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

/** No key starts with a dot, so nothing in here is ever an object. */
const TEMPORARY_DIRECTORY = '.tmp';
const STALE_AFTER_MS = 24 * 60 * 60 * 1000;
const PLACE_TRIES = 3;
const STATS_AT_ONCE = 32;

export interface FilesystemOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** Keeps objects as files below a directory of a file system with hard links. */
export class FilesystemObjectStore implements ObjectStore {
  readonly url: string;
  readonly #root: string;
  readonly #identity: string;
  readonly #prefix: string;
  readonly #directories: DurableDirectories;
  #temporaries = 0;

  private constructor(root: string, options: { identity: string; prefix: string }) {
    this.url = pathToFileURL(root).href;
    this.#root = root;
    this.#identity = options.identity;
    this.#prefix = options.prefix;
    this.#directories = new DurableDirectories(root);
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
    let temporary: string | undefined;
    try {
      temporary = await this.#writeTemporary(pieces, { size, key });
      checkSignal(options.signal);
      const placed = await this.#place(temporary, key, options.ifAbsent === true);
      // Also when another writer placed these very bytes: it may have been killed before they were durable.
      if (!placed && !equalsPieces(await this.get(key), pieces)) {
        throw takenError(key, this.url);
      }
      const leftover = placed && !options.ifAbsent ? undefined : temporary;
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

  async #writeTemporary(
    pieces: readonly Uint8Array[],
    { size, key }: { readonly size: number; readonly key: string },
  ): Promise<string> {
    this.#temporaries += 1;
    const directory = join(this.#root, TEMPORARY_DIRECTORY);
    const path = join(directory, `${this.#prefix}-${this.#temporaries}`);
    const handle = await open(path, 'wx').catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') {
        throw error;
      }
      await this.#checkRoot(`Cannot write to ${this.url}`, error);
      await mkdir(directory, { recursive: true });
      return open(path, 'wx');
    });
    // Waits for the disk together with the file; whether it failed is asked when the file gets its name.
    this.#directories.ensure(dirname(this.#path(key))).catch(() => undefined);
    try {
      await writeFully(handle, pieces, await writeDirectly(path, pieces, size));
      await handle.sync();
    } catch (error) {
      await unlink(path).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
    return path;
  }

  /** Gives a finished file its name. Returns false when `ifAbsent` and the name is taken. */
  async #place(temporary: string, key: string, ifAbsent: boolean): Promise<boolean> {
    const path = this.#path(key);
    const directory = dirname(path);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#directories.ensure(directory);
        await (ifAbsent ? link(temporary, path) : rename(temporary, path));
        return true;
      } catch (error) {
        const code = systemCode(error);
        if (ifAbsent && code === 'EEXIST') {
          return false;
        }
        // Another process removes a directory when it deletes the last object in it.
        if (code !== 'ENOENT' || attempt === PLACE_TRIES) {
          throw error;
        }
        await this.#checkRoot(`Cannot write object "${key}" of ${this.url}`, error);
        this.#directories.forget(directory);
      }
    }
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
