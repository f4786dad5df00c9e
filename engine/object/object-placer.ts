// How objects of a store in a directory get there: whole, under their final names, or not at all.

import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { writeDirectly } from './direct-write.ts';
import type { DurableDirectories } from './durable-directories.ts';
import { writeFully } from './file-bytes.ts';
import { MAX_SMALL_BYTES, putSmall } from './small-puts.ts';

/** No key starts with a dot, so nothing in here is ever an object. */
export const TEMPORARY_DIRECTORY = '.tmp';
const PLACE_TRIES = 3;

export interface ObjectPlacerOptions {
  readonly root: string;
  /** Of the store, for messages. */
  readonly url: string;
  /** What temporary names begin with that nobody else makes. */
  readonly prefix: string;
  readonly directories: DurableDirectories;
  /** Everything is done by the thread that asks. */
  readonly isSingleThread: boolean;
  /** Rejects where another directory is in the place of the root by now. */
  readonly checkRoot: (what: string, cause: unknown) => Promise<void>;
}

/** Writes the files of one store. Its errors are the system's, but for those of `checkRoot`. */
export class ObjectPlacer {
  readonly #root: string;
  readonly #url: string;
  readonly #prefix: string;
  readonly #directories: DurableDirectories;
  readonly #isSingleThread: boolean;
  readonly #checkRoot: ObjectPlacerOptions['checkRoot'];
  #temporaries = 0;

  constructor(options: ObjectPlacerOptions) {
    const { root, url, prefix, directories, isSingleThread, checkRoot } = options;
    this.#root = root;
    this.#url = url;
    this.#prefix = prefix;
    this.#directories = directories;
    this.#isSingleThread = isSingleThread;
    this.#checkRoot = checkRoot;
  }

  /** Puts a small object that nobody may have put, by the shortest way; false where that did not succeed, and may be tried by the long way. */
  async putSmall(
    key: string,
    object: { readonly pieces: readonly Uint8Array[]; readonly size: number },
  ): Promise<boolean> {
    const path = join(this.#root, key);
    const directory = dirname(path);
    const isNew = !this.#directories.has(directory);
    // Where nothing was written yet, the root may be somebody else's.
    if (object.size > MAX_SMALL_BYTES || (isNew && !this.#directories.has(dirname(directory)))) {
      return false;
    }
    const isPut = await putSmall(
      { ...object, temporary: this.#newTemporary(), path, isNew },
      { here: this.#isSingleThread },
    );
    if (isPut && isNew) {
      this.#directories.add(directory);
    }
    return isPut;
  }

  #newTemporary(): string {
    this.#temporaries += 1;
    return join(this.#root, TEMPORARY_DIRECTORY, `${this.#prefix}-${this.#temporaries}`);
  }

  /** Writes a file that is durable but for its name, and returns where it is. */
  async writeTemporary(
    pieces: readonly Uint8Array[],
    { size, key }: { readonly size: number; readonly key: string },
  ): Promise<string> {
    const path = this.#newTemporary();
    const handle = await open(path, 'wx').catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') {
        throw error;
      }
      await this.#checkRoot(`Cannot write to ${this.#url}`, error);
      await mkdir(dirname(path), { recursive: true });
      return open(path, 'wx');
    });
    // Waits for the disk together with the file; whether it failed is asked when the file gets its name.
    this.#directories.ensure(dirname(join(this.#root, key))).catch(() => undefined);
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
  async place(temporary: string, key: string, ifAbsent: boolean): Promise<boolean> {
    const path = join(this.#root, key);
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
        await this.#checkRoot(`Cannot write object "${key}" of ${this.#url}`, error);
        this.#directories.forget(directory);
      }
    }
  }
}
