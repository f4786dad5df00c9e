// The directory that user code sees as `/pfs`: each datum's inputs as links into the cache, read-only. From one datum
// to the next only the difference changes.

import { closeSync, mkdirSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { EngineError } from '../base/errors.ts';
import type { ContentReader } from './contents.ts';
import type { MountEntry } from './datum-task.ts';
import type { FileCache } from './file-cache.ts';
import { emptyDirectory } from './host-directory.ts';
import { placeError } from './host-file.ts';
import { type LazyFile, makePipes } from './lazy-pipes.ts';
import { childrenOf, isSameShown, lazyFiles, planShown, type Shown } from './shown-tree.ts';

export interface InputDirectoryOptions {
  readonly cache: FileCache;
  /**
   * False where user code could change what it is shown, because nothing keeps it from writing: then every datum gets
   * files of its own, made anew.
   */
  readonly isReadOnly: boolean;
}

export interface ShowOptions {
  readonly contents: ContentReader;
  readonly signal?: AbortSignal;
}

/** What was put in place for one datum; what stood there already does not count. */
export interface ShownStats {
  readonly files: number;
  readonly bytes: number;
}

/** The mount point of `/pfs/out`, in the directory of the inputs. */
export const OUTPUT_NAME = 'out';
const PARALLEL_FETCHES = 8;
const YIELD_EVERY = 256;
const NOTHING: Shown = { kind: 'partial', children: new Map() };

/** The inputs of one worker. */
export class InputDirectory {
  readonly #directory: string;
  readonly #cache: FileCache;
  readonly #isReadOnly: boolean;
  /** What is in place; undefined where that is not known. */
  #shown: Shown | undefined;

  /** `directory` is this worker's alone and may hold what an earlier process left. */
  constructor(directory: string, options: InputDirectoryOptions) {
    this.#directory = directory;
    this.#cache = options.cache;
    this.#isReadOnly = options.isReadOnly;
  }

  /** What is in place below `/pfs`. */
  get shown(): Shown {
    return this.#shown ?? NOTHING;
  }

  /**
   * Puts the inputs of a datum in place, and nothing else. Rejects with `invalid` or `resource_exhausted` where this
   * datum can't be shown here, with `cancelled` once the signal aborts; the next call then starts anew.
   */
  async show(entries: readonly MountEntry[], options: ShowOptions): Promise<ShownStats> {
    const wanted = planShown(entries);
    if (this.#shown === undefined || !this.#isReadOnly) {
      await this.#reset();
    }
    const change = new Change(this.#cache, { ...options, copy: !this.#isReadOnly });
    const had = this.#shown;
    this.#shown = undefined;
    await change.run(this.#directory, { had, wanted });
    this.#shown = wanted;
    return change.stats;
  }

  /** Returns the pipes that are in place, and what they stand for. */
  async lazy(contents: ContentReader): Promise<LazyFile[]> {
    const files: LazyFile[] = [];
    for await (const { path, id } of lazyFiles(this.shown, contents)) {
      files.push({ path: join(this.#directory, ...path), id });
    }
    return files;
  }

  /** Removes all inputs, so that the cache may drop what they linked to. */
  async clear(): Promise<void> {
    await this.#reset();
  }

  async #reset(): Promise<void> {
    this.#shown = undefined;
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 });
    await emptyDirectory(this.#directory);
    mkdirSync(join(this.#directory, OUTPUT_NAME), { mode: 0o755 });
    this.#shown = NOTHING;
  }
}

/** One change from what is in place to what is wanted. */
class Change {
  readonly #cache: FileCache;
  readonly #options: ShowOptions & { copy: boolean };
  readonly #fetches = new Set<Promise<void>>();
  readonly #pipes: string[] = [];
  #failure: { error: unknown } | undefined;
  #steps = 0;
  #files = 0;
  #bytes = 0;

  constructor(cache: FileCache, options: ShowOptions & { copy: boolean }) {
    this.#cache = cache;
    this.#options = options;
  }

  get stats(): ShownStats {
    return { files: this.#files, bytes: this.#bytes };
  }

  async run(directory: string, trees: { had: Shown | undefined; wanted: Shown }): Promise<void> {
    try {
      await this.#sync(directory, trees);
      await makePipes(this.#pipes);
    } finally {
      // Nothing may be written here any more once this has ended, however it ends.
      await Promise.all(this.#fetches);
    }
    this.#check();
  }

  async #sync(directory: string, trees: { had: Shown | undefined; wanted: Shown }): Promise<void> {
    const reader = this.#options.contents;
    const had = await childrenOf(trees.had, reader);
    const wanted = await childrenOf(trees.wanted, reader);
    for (const [name, old] of had) {
      const next = wanted.get(name);
      const isKept =
        next !== undefined &&
        (isSameShown(old, next) || (old.kind !== 'file' && next.kind !== 'file'));
      if (!isKept) {
        await this.#remove(join(directory, name), old);
      }
    }
    for (const [name, next] of wanted) {
      const old = had.get(name);
      if (old !== undefined && isSameShown(old, next)) {
        continue;
      }
      const path = join(directory, name);
      if (next.kind === 'file') {
        await this.#place(path, next);
      } else {
        const isNew = old === undefined || old.kind === 'file';
        if (isNew) {
          attempt(path, () => mkdirSync(path, { mode: 0o755 }));
        }
        await this.#step();
        await this.#sync(path, { had: isNew ? undefined : old, wanted: next });
      }
    }
  }

  async #place(path: string, file: Extract<Shown, { kind: 'file' }>): Promise<void> {
    this.#files += 1;
    if (file.isLazy) {
      this.#pipes.push(path);
    } else if (file.isEmpty) {
      attempt(path, () => closeSync(openSync(path, 'wx', file.executable ? 0o555 : 0o444)));
    } else {
      const linked = this.#options.copy ? undefined : this.#cache.tryLink(file, path);
      if (linked === undefined) {
        await this.#fetch(path, file);
      } else {
        this.#bytes += linked;
      }
    }
    await this.#step();
  }

  async #fetch(path: string, file: { id: string; executable: boolean }): Promise<void> {
    while (this.#fetches.size >= PARALLEL_FETCHES) {
      await Promise.race(this.#fetches);
    }
    this.#check();
    const fetch: Promise<void> = this.#cache
      .place(file, { ...this.#options, target: path })
      .then(
        (size) => {
          this.#bytes += size;
        },
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => this.#fetches.delete(fetch));
    this.#fetches.add(fetch);
  }

  async #remove(path: string, old: Shown): Promise<void> {
    if (old.kind === 'file') {
      unlinkSync(path);
    } else {
      await emptyDirectory(path);
      rmdirSync(path);
    }
    await this.#step();
  }

  async #step(): Promise<void> {
    this.#steps += 1;
    if (this.#steps % YIELD_EVERY === 0) {
      await setImmediate();
    }
    this.#check();
  }

  #check(): void {
    if (this.#failure) {
      throw this.#failure.error;
    }
    if (this.#options.signal?.aborted) {
      throw new EngineError('cancelled', 'Cannot show the inputs: the work was cancelled', {
        cause: this.#options.signal.reason,
      });
    }
  }
}

function attempt(path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw placeError(error, path);
  }
}
