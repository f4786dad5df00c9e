// What a datum has written to its bucket `out`: files in a directory of the engine's own, which user code never sees. It is
// collected as `/pfs/out` is.

import {
  createReadStream,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, errorText, systemCode } from '../base/errors.ts';
import { compareEntries, type TreeMode } from '../git/tree.ts';

export interface OutFile {
  readonly size: number;
  readonly etag: string;
  /** In milliseconds since the Unix epoch. */
  readonly modified: number;
}

interface PutOptions {
  /** Says the tag of what was written. */
  readonly tag: () => string;
  /** Throws where the file must not be put, having the tag of the one that is there; nothing comes between it and the put. */
  readonly check?: ((found: string | undefined) => void) | undefined;
}

/** Why no file can be at a path, by what the system says. */
const NO_PLACE: Readonly<Record<string, string>> = {
  EEXIST: 'a file has the name of its directory',
  ENOTDIR: 'a file has the name of its directory',
  EISDIR: 'a directory has its name',
  ENOTEMPTY: 'a directory has its name',
  ENAMETOOLONG: 'its path is too long for this machine',
};

/** Files by their paths; one datum at a time. */
export class OutFolder {
  /** Where the files are. */
  readonly path: string;
  readonly #incoming: string;
  readonly #tags = new Map<string, string>();
  #isMade = false;
  #isOpen = false;
  /** What began before the folder was closed must not end in what is opened next. */
  #opened = 0;
  #puts = 0;

  /** `directory` is this folder's alone. */
  constructor(directory: string) {
    this.path = join(directory, 'out');
    this.#incoming = join(directory, 'incoming');
  }

  /** Takes files from now on. */
  async open(): Promise<void> {
    await this.empty();
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    this.#isMade = true;
    this.#isOpen = true;
    this.#opened += 1;
  }

  /** Takes no more files; those that came stay. */
  close(): void {
    this.#isOpen = false;
  }

  /** Forgets everything. */
  async empty(): Promise<void> {
    this.close();
    this.#tags.clear();
    if (this.#isMade) {
      await rm(dirname(this.path), { recursive: true, force: true });
      this.#isMade = false;
    }
  }

  /** Returns the file at a path, or undefined. */
  async find(path: string): Promise<OutFile | undefined> {
    const etag = this.#tags.get(path);
    if (etag === undefined) {
      return undefined;
    }
    try {
      const { size, mtimeMs } = await stat(join(this.path, path));
      return { size, etag, modified: mtimeMs };
    } catch (error) {
      if (systemCode(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }

  /** Lists a directory, '' for all, in the order of a tree. */
  entries(
    directory: string,
  ): { readonly name: string; readonly mode: TreeMode; readonly id: string }[] {
    const found = readdirSync(join(this.path, directory), { withFileTypes: true });
    return found
      .map((entry) => {
        const mode: TreeMode = entry.isDirectory() ? '40000' : '100644';
        return { name: entry.name, mode, id: '' };
      })
      .sort(compareEntries);
  }

  /** Yields the bytes of a file, from `start` up to and without `end`. */
  read(
    path: string,
    range: { readonly start: number; readonly end: number },
  ): AsyncIterable<Buffer> {
    const { start, end } = range;
    if (start >= end) {
      return noBytes();
    }
    const options = { start, end: end - 1, highWaterMark: 1024 * 1024 };
    return createReadStream(join(this.path, path), options) as AsyncIterable<Buffer>;
  }

  /** Puts a file in place of what was there once all of it has come. Rejects with `invalid` where no file can be at the path. */
  async put(path: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<void> {
    const opened = this.#opened;
    this.#checkOpen(opened);
    this.#puts += 1;
    const temporary = join(this.#incoming, String(this.#puts));
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        for await (const bytes of source) {
          await file.writeFile(bytes);
        }
      } finally {
        await file.close();
      }
      this.#checkOpen(opened);
      options.check?.(this.#tags.get(path));
      this.#place(temporary, path);
      this.#tags.set(path, options.tag());
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Removes a file; returns whether it was there. */
  remove(path: string, check?: (found: string | undefined) => void): boolean {
    this.#checkOpen(this.#opened);
    const found = this.#tags.get(path);
    check?.(found);
    if (found === undefined) {
      return false;
    }
    unlinkSync(join(this.path, path));
    this.#tags.delete(path);
    // Directories are there as long as something is in them.
    for (let above = dirname(path); above !== '.'; above = dirname(above)) {
      try {
        rmdirSync(join(this.path, above));
      } catch {
        break;
      }
    }
    return true;
  }

  #place(temporary: string, path: string): void {
    const target = join(this.path, path);
    try {
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
      renameSync(temporary, target);
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  #checkOpen(opened: number): void {
    if (!this.#isOpen || opened !== this.#opened) {
      throw new EngineError('cancelled', 'Cannot write the output: the command has ended');
    }
  }
}

function unwritable(path: string, error: unknown): EngineError {
  const reason = NO_PLACE[systemCode(error) ?? ''];
  const remedy = reason === undefined ? 'check the disk' : 'choose another key';
  return new EngineError(
    reason === undefined ? 'unavailable' : 'invalid',
    `Cannot write "${path}": ${reason ?? errorText(error)}; ${remedy}`,
    { cause: error },
  );
}

async function* noBytes(): AsyncGenerator<Buffer> {}
