// Takes what user code left in `/pfs/out` into the store. It opens regular files only, follows no link on this
// machine, and trusts nothing about names, kinds or depth.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { EngineError, systemCode } from '../base/errors.ts';
import { MAX_BLOB_BYTES, MAX_DIRECTORY_ENTRIES, MAX_PATH_BYTES } from '../base/limits.ts';
import { type HeldDirectory, holdBelow } from '../executor/held-directory.ts';
import type { TreeMode } from '../git/tree.ts';
import { ATTRIBUTES_NAME, isOwnAttributes } from '../pfs/attributes.ts';
import type { ContentWriter } from './contents.ts';
import { readWhole } from './host-file.ts';
import { checkOutputName, refusal, refuseOtherEncodings } from './output-names.ts';
import { findShown, type Shown } from './shown-tree.ts';
import { DirectoryDraft, type Stored, storeShown } from './stored-directory.ts';
import { linkReason, resolveLink } from './symbolic-link.ts';

export interface CollectOptions {
  /** Where `/pfs/out` is on this machine. */
  readonly directory: string;
  /** What stands below `/pfs`, for links that lead there. */
  readonly inputs: Shown;
  readonly writer: ContentWriter;
  readonly signal?: AbortSignal;
}

/** What a datum wrote. */
export interface Collected {
  /** Git tree; null where there was no file. */
  readonly tree: string | null;
  readonly files: number;
  /** Bytes that were read; content of inputs that a link named is not. */
  readonly bytes: number;
}

/** What stands in a directory is. */
interface Kind {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

interface Listed extends Kind {
  readonly name: string;
}

const READ_BYTES = 1024 * 1024;
const YIELD_EVERY = 64;
const SWAPPED = 'it was replaced while it was read; write it once, before it is handed over';
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Stores everything below the output directory. Rejects with `invalid`, naming the path and the reason, where user
 * code left what can't be stored; with the system's EACCES or EPERM where this user may not read; with `cancelled`.
 */
export async function collectOutput(options: CollectOptions): Promise<Collected> {
  const collector = new Collector(options);
  return collector.run();
}

class Collector {
  readonly #options: CollectOptions;
  /** Directories by their path; null while being collected, which is how a link into itself is found. */
  readonly #directories = new Map<string, { readonly stored: Stored | undefined } | null>();
  #files = 0;
  #bytes = 0;
  #steps = 0;

  constructor(options: CollectOptions) {
    this.#options = options;
  }

  async run(): Promise<Collected> {
    const root = await this.#directory([]);
    return { tree: root?.id ?? null, files: this.#files, bytes: this.#bytes };
  }

  async #directory(path: readonly string[]): Promise<Stored | undefined> {
    const key = path.join('/');
    const known = this.#directories.get(key);
    if (known === null) {
      throw refusal(path, 'it leads round in a loop');
    }
    if (known) {
      return known.stored;
    }
    this.#directories.set(key, null);
    const draft = new DirectoryDraft();
    const others: Listed[] = [];
    const held = this.#hold(path);
    try {
      for (const entry of this.#list(path, held)) {
        checkOutputName([...path, entry.name]);
        if (entry.isFile()) {
          await this.#step();
          draft.add(entry.name, await this.#file([...path, entry.name], held));
        } else {
          others.push(entry);
        }
      }
    } finally {
      // What is below may be deep: no more than one is held at a time.
      held.close();
    }
    for (const entry of others) {
      draft.add(entry.name, await this.#entry([...path, entry.name], entry));
    }
    const stored = await draft.store(this.#options.writer);
    this.#directories.set(key, { stored });
    return stored;
  }

  /** Opens a directory for as long as it is worked in, and makes sure that no link led there. */
  #hold(path: readonly string[]): HeldDirectory {
    this.#hostPath(path);
    try {
      return holdBelow(this.#options.directory, path);
    } catch (error) {
      throw ['ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')
        ? refusal(path, SWAPPED, error)
        : error;
    }
  }

  #list(path: readonly string[], held: HeldDirectory): Listed[] {
    const entries = readdirSync(held.path, { encoding: 'utf8', withFileTypes: true });
    if (entries.length > MAX_DIRECTORY_ENTRIES) {
      throw refusal(
        path,
        `it holds ${entries.length} entries, and a directory may hold ${MAX_DIRECTORY_ENTRIES}; use subdirectories`,
      );
    }
    // What is not UTF-8 was read as this character, which may also stand for itself.
    if (entries.some((entry) => entry.name.includes('\ufffd'))) {
      refuseOtherEncodings(path, readdirSync(held.path, { encoding: 'buffer' }));
    }
    return entries;
  }

  async #step(): Promise<void> {
    this.#steps += 1;
    if (this.#steps % YIELD_EVERY === 0) {
      await setImmediate();
      this.#check();
    }
  }

  async #entry(path: readonly string[], entry: Kind): Promise<Stored | undefined> {
    await this.#step();
    if (entry.isFile()) {
      const held = this.#hold(path.slice(0, -1));
      try {
        return await this.#file(path, held);
      } finally {
        held.close();
      }
    }
    if (entry.isDirectory()) {
      return this.#directory(path);
    }
    if (entry.isSymbolicLink()) {
      return this.#link(path);
    }
    const kind = entry.isFIFO() ? 'a named pipe' : entry.isSocket() ? 'a socket' : 'a device';
    throw refusal(path, `it is ${kind}; write regular files only`);
  }

  async #file(path: readonly string[], held: HeldDirectory): Promise<Stored | undefined> {
    this.#hostPath(path);
    const host = held.entry(path.at(-1) ?? '');
    const file = openSync(host, OPEN_FLAGS);
    let bytes: Buffer | undefined;
    let mode: TreeMode;
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) {
        throw refusal(path, 'it is not a regular file any more');
      }
      mode = (stat.mode & 0o100) === 0 ? '100644' : '100755';
      bytes = stat.size <= MAX_BLOB_BYTES ? readWhole(file, stat.size) : undefined;
    } finally {
      closeSync(file);
    }
    if (bytes && path.at(-1) === ATTRIBUTES_NAME && isOwnAttributes(ATTRIBUTES_NAME, bytes)) {
      return undefined;
    }
    this.#files += 1;
    this.#bytes += bytes?.length ?? 0;
    const { writer } = this.#options;
    const stored = bytes ? writer.writeFile(bytes) : writer.writeLargeFile(this.#stream(host));
    return { mode, ...(stored instanceof Promise ? await stored : stored) };
  }

  async *#stream(host: Buffer): AsyncGenerator<Uint8Array> {
    const file: FileHandle = await open(host, OPEN_FLAGS);
    try {
      for (;;) {
        this.#check();
        const buffer = Buffer.allocUnsafe(READ_BYTES);
        const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
        if (bytesRead === 0) {
          return;
        }
        this.#bytes += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async #link(path: readonly string[]): Promise<Stored | undefined> {
    const { directory, inputs, writer } = this.#options;
    const target = resolveLink(path, directory);
    if (target.kind === 'refused') {
      throw refusal(path, target.reason);
    }
    if (target.kind === 'input') {
      const shown = await findShown(inputs, target.path, writer);
      if (!shown) {
        const text = readlinkSync(this.#hostPath(path));
        throw refusal(path, linkReason(text, 'which does not exist'));
      }
      this.#files += 1;
      return await storeShown(writer, shown);
    }
    const stat = target.path.length > 0 && lstatSync(this.#hostPath(target.path));
    if (!stat || this.#directories.get(target.path.join('/')) === null) {
      const text = readlinkSync(this.#hostPath(path));
      throw refusal(path, linkReason(text, 'which holds the link itself'));
    }
    return this.#entry(target.path, stat);
  }

  #hostPath(path: readonly string[]): string {
    const host = [this.#options.directory, ...path].join('/');
    if (Buffer.byteLength(host) >= MAX_PATH_BYTES) {
      throw refusal(path, 'its path is too long for this machine');
    }
    return host;
  }

  #check(): void {
    const { signal } = this.#options;
    if (signal?.aborted) {
      throw new EngineError('cancelled', 'Cannot store the output: the work was cancelled', {
        cause: signal.reason,
      });
    }
  }
}
