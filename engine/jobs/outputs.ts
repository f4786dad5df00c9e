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
  readSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { MAX_BLOB_BYTES, MAX_DIRECTORY_ENTRIES, MAX_PATH_BYTES } from '../base/limits.ts';
import { checkName } from '../git/names.ts';
import { compareEntries, type TreeEntry, type TreeMode } from '../git/tree.ts';
import { ATTRIBUTES_NAME, isOwnAttributes } from '../pfs/attributes.ts';
import type { ContentWriter } from './contents.ts';
import { childrenOf, findShown, type Shown } from './shown-tree.ts';
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

/** A file or directory as an entry of the tree above it, but for its name. */
interface Stored {
  readonly mode: TreeMode;
  readonly id: string;
  readonly isLarge: boolean;
}

const READ_BYTES = 1024 * 1024;
const YIELD_EVERY = 64;
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
    const entries: TreeEntry[] = [];
    const large = new Set<string>();
    for (const entry of this.#list(path)) {
      const child = [...path, entry.name];
      checkOutputName(child);
      const stored = await this.#entry(child, entry);
      if (stored) {
        entries.push({ name: entry.name, mode: stored.mode, id: stored.id });
        if (stored.isLarge) {
          large.add(entry.name);
        }
      }
    }
    const stored = await this.#store({ entries, large });
    this.#directories.set(key, { stored });
    return stored;
  }

  #list(path: readonly string[]) {
    const directory = this.#hostPath(path);
    const entries = readdirSync(directory, { withFileTypes: true });
    if (entries.length > MAX_DIRECTORY_ENTRIES) {
      throw refusal(
        path,
        `it holds ${entries.length} entries, and a directory may hold ${MAX_DIRECTORY_ENTRIES}; use subdirectories`,
      );
    }
    // What is not UTF-8 was read as this character, which may also stand for itself.
    if (entries.some((entry) => entry.name.includes('\ufffd'))) {
      refuseOtherEncodings(path, readdirSync(directory, { encoding: 'buffer' }));
    }
    return entries;
  }

  async #entry(
    path: readonly string[],
    entry: {
      isFile(): boolean;
      isDirectory(): boolean;
      isSymbolicLink(): boolean;
      isFIFO(): boolean;
      isSocket(): boolean;
    },
  ): Promise<Stored | undefined> {
    this.#steps += 1;
    if (this.#steps % YIELD_EVERY === 0) {
      await setImmediate();
      this.#check();
    }
    if (entry.isFile()) {
      return this.#file(path);
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

  async #file(path: readonly string[]): Promise<Stored | undefined> {
    const host = this.#hostPath(path);
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

  async *#stream(host: string): AsyncGenerator<Uint8Array> {
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
      return this.#input(shown);
    }
    const stat = target.path.length > 0 && lstatSync(this.#hostPath(target.path));
    if (!stat || this.#directories.get(target.path.join('/')) === null) {
      const text = readlinkSync(this.#hostPath(path));
      throw refusal(path, linkReason(text, 'which holds the link itself'));
    }
    return this.#entry(target.path, stat);
  }

  /** Stores what an input shows by the ids it has: no content moves. */
  async #input(shown: Shown): Promise<Stored | undefined> {
    const { writer } = this.#options;
    if (shown.kind === 'file') {
      const isLarge = shown.isLarge ?? (await writer.readFile(shown.id)).kind === 'large';
      return { mode: shown.executable ? '100755' : '100644', id: shown.id, isLarge };
    }
    if (shown.kind === 'tree') {
      // Written again rather than named, since the root of a repo holds attributes that only a root has.
      return this.#store(await writer.readDirectory(shown.id));
    }
    const entries: TreeEntry[] = [];
    const large = new Set<string>();
    for (const [name, child] of await childrenOf(shown, writer)) {
      const stored = await this.#input(child);
      if (stored) {
        entries.push({ name, mode: stored.mode, id: stored.id });
        if (stored.isLarge) {
          large.add(name);
        }
      }
    }
    return this.#store({ entries, large });
  }

  async #store(directory: {
    entries: readonly TreeEntry[];
    large: ReadonlySet<string>;
  }): Promise<Stored | undefined> {
    const entries = [...directory.entries].sort(compareEntries);
    const id = await this.#options.writer.writeDirectory({ ...directory, entries });
    return id === null ? undefined : { mode: '40000', id, isLarge: false };
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

/** Reads a file that is said to hold `size` bytes, to its end. */
function readWhole(file: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const count = readSync(file, bytes, at, size - at, null);
    if (count === 0) {
      break;
    }
    at += count;
  }
  return at === size ? bytes : bytes.subarray(0, at);
}

function checkOutputName(path: readonly string[]): void {
  const name = path.at(-1) ?? '';
  try {
    checkName(name);
  } catch (error) {
    if (!isEngineError(error, 'invalid')) {
      throw error;
    }
    throw refusal(path, errorText(error), error);
  }
  if (path.length > 1 && Buffer.byteLength(path.join('/')) > MAX_PATH_BYTES) {
    throw refusal(path, `its path is longer than ${MAX_PATH_BYTES} bytes`);
  }
}

function refuseOtherEncodings(path: readonly string[], names: readonly Buffer[]): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (const name of names) {
    try {
      decoder.decode(name);
    } catch (error) {
      const shown = JSON.stringify(name.toString('latin1'));
      throw refusal([...path, name.toString()], `its name, bytes ${shown}, is not UTF-8`, error);
    }
  }
}

function refusal(path: readonly string[], reason: string, cause?: unknown): EngineError {
  const whole = `/pfs/out/${path.join('/')}`;
  const shown = whole.length > 300 ? `${whole.slice(0, 300)}…` : whole;
  return new EngineError('invalid', `Cannot store output "${shown}": ${reason}`, {
    details: { path: shown },
    ...(cause === undefined ? {} : { cause }),
  });
}
