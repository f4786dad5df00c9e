// Small files on their way to the disk: gathered in memory that a thread can read too, and written in one go.

import { closeSync, openSync, writeSync } from 'node:fs';

/** A file of a batch: where its bytes stand there. */
export interface BatchedFile {
  /** Below the folder that is written to. */
  readonly path: string;
  readonly executable: boolean;
  readonly start: number;
  readonly end: number;
}

/** What a thread is sent. */
export interface WriteRequest {
  readonly folder: string;
  readonly files: readonly BatchedFile[];
  readonly bytes: Uint8Array;
}

/** The file that could not be written, and why; nothing where all were. */
export interface WriteAnswer {
  readonly failed?: { readonly path: string; readonly code: string; readonly message: string };
}

const BATCH_BYTES = 1024 * 1024;
/** So many empty files are worth a trip too. */
const BATCH_FILES = 512;

/** Files that are gathered until they are worth a thread's trip. */
export class FileBatch {
  readonly #bytes = Buffer.from(new SharedArrayBuffer(BATCH_BYTES));
  #files: BatchedFile[] = [];
  #used = 0;
  #open:
    | { readonly path: string; readonly executable: boolean; readonly start: number }
    | undefined;

  /** Begins a file. */
  begin(path: string, executable: boolean): void {
    this.#open = { path, executable, start: this.#used };
  }

  /** Goes on with the file; false where there is no room for that, and nothing was taken. */
  append(data: Uint8Array): boolean {
    if (this.#used + data.length > BATCH_BYTES) {
      return false;
    }
    if (data.length > 0) {
      // Not `set`, which copies into shared memory byte by byte.
      this.#bytes.fill(data, this.#used, this.#used + data.length);
    }
    this.#used += data.length;
    return true;
  }

  /** Ends the file. Returns whether the batch is worth to be written now. */
  end(): boolean {
    if (this.#open) {
      this.#files.push({ ...this.#open, end: this.#used });
      this.#open = undefined;
    }
    return this.#files.length >= BATCH_FILES || this.#used > BATCH_BYTES / 2;
  }

  /** Gives back the file that was begun and is not complete, and forgets it. */
  takeOpen(): Buffer {
    const start = this.#open?.start ?? this.#used;
    const taken = Buffer.from(this.#bytes.subarray(start, this.#used));
    this.#used = start;
    this.#open = undefined;
    return taken;
  }

  /** Returns what writes the complete files below `folder`. The batch stays as it is until {@link clear}. */
  request(folder: string): WriteRequest {
    return { folder, files: this.#files, bytes: this.#bytes };
  }

  clear(): void {
    this.#files = [];
    this.#used = 0;
    this.#open = undefined;
  }
}

/** Makes each file of a batch, none of which may be there, and stops at the first that it can't. */
export function writeBatch({ folder, files, bytes }: WriteRequest): WriteAnswer {
  for (const { path, executable, start, end } of files) {
    try {
      const fd = openNew(`${folder}/${path}`, executable);
      try {
        writeAll(fd, bytes.subarray(start, end));
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { failed: { path, code: code ?? '', message } };
    }
  }
  return {};
}

/** Opens a file that must not be there: neither followed nor replaced. Its mode is narrowed by the user's own umask. */
export function openNew(path: string, executable: boolean): number {
  return openSync(path, 'wx', executable ? 0o777 : 0o666);
}

/** Writes all of `data` at the file's position. */
export function writeAll(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.length; ) {
    done += writeSync(fd, data, done, data.length - done);
  }
}
