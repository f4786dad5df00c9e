// Files that are fetched when user code opens them: each is a named pipe, and the content streams into it once somebody
// reads. Every opening gets the whole content, through a pipe of its own; two between two looks are one to us, and share it.

import { execFile, execFileSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { constants, mkdirSync, openSync, renameSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { isEngineError, systemCode } from '../base/errors.ts';
import type { ContentReader } from './contents.ts';
import { emptyDirectory } from './host-directory.ts';

/** A pipe, and the file that it stands for. */
export interface LazyFile {
  /** Where the pipe is on this machine. */
  readonly path: string;
  /** Git id of the blob. */
  readonly id: string;
}

export interface LazyPipesOptions {
  readonly contents: ContentReader;
  readonly clock: Clock;
  /** A directory of this datum's worker alone, on the disk of the pipes. Made where absent, and emptied. */
  readonly spareDirectory: string;
}

/** No system call tells that a pipe was opened for reading, so that each is tried this often, and less where there are many. */
const LOOK_MS = 10;
/** Looking takes at most about one part in so many of the engine's time, but is never put off for longer than half a second. */
const LOOK_SHARE = 10;
const LOOK_SLICE = 1000;
const LONGEST_LOOK_MS = 500;
const SPARES = 8;
const PATHS_PER_CALL = 500;
const TRY_FLAGS = constants.O_WRONLY | constants.O_NONBLOCK;
const execute = promisify(execFile);

/** Makes named pipes, readable by everybody. */
export async function makePipes(paths: readonly string[]): Promise<void> {
  for (let from = 0; from < paths.length; from += PATHS_PER_CALL) {
    await execute('mkfifo', pipeArguments(paths.slice(from, from + PATHS_PER_CALL)));
  }
}

function pipeArguments(paths: readonly string[]): string[] {
  return ['-m', '644', '--', ...paths];
}

/** The pipes of one run of user code. */
export class LazyPipes {
  readonly #files: readonly LazyFile[];
  readonly #options: LazyPipesOptions;
  readonly #streams = new Set<Promise<void>>();
  readonly #failed = new AbortController();
  #spares: string[] = [];
  #nextSpare = 0;
  #bytes = 0;

  constructor(files: readonly LazyFile[], options: LazyPipesOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** What was written into pipes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Feeds the pipes while `work` runs, and ends with it. `work` gets a signal that aborts when content can't be read: then
   * this rejects with that error, since what the command read was cut short.
   */
  async feed<T>(work: (failed: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#files.length === 0) {
      return await work(this.#failed.signal);
    }
    const over = new AbortController();
    // Every stream listens.
    setMaxListeners(0, over.signal);
    mkdirSync(this.#options.spareDirectory, { recursive: true, mode: 0o700 });
    await emptyDirectory(this.#options.spareDirectory);
    await this.#refill();
    const looking = this.#look(over.signal).catch((error: unknown) => this.#failed.abort(error));
    try {
      const result = await work(this.#failed.signal);
      this.#failed.signal.throwIfAborted();
      return result;
    } catch (error) {
      throw this.#failed.signal.aborted ? this.#failed.signal.reason : error;
    } finally {
      over.abort();
      await looking;
      await Promise.all(this.#streams);
    }
  }

  async #look(over: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!over.aborted) {
      let took = 0;
      for (let from = 0; from < this.#files.length && !over.aborted; from += LOOK_SLICE) {
        const began = clock.monotonic();
        this.#open(this.#files.slice(from, from + LOOK_SLICE), over);
        took += clock.monotonic() - began;
        await setImmediate();
      }
      if (this.#spares.length < SPARES / 2) {
        await this.#refill();
      }
      await clock
        .sleep(Math.max(LOOK_MS, Math.min(took * LOOK_SHARE, LONGEST_LOOK_MS)), { signal: over })
        .catch((error: unknown) => {
          if (!isEngineError(error, 'cancelled')) {
            throw error;
          }
        });
    }
  }

  /** Feeds those of some files that somebody has opened. */
  #open(files: readonly LazyFile[], over: AbortSignal): void {
    const opened = files.flatMap((file) => {
      const fd = openForReader(file.path);
      return fd === undefined ? [] : [{ fd, file }];
    });
    // At once, so that the next to open one of these finds a pipe of its own.
    this.#makeSpares(opened.length);
    for (const { fd, file } of opened) {
      renameSync(this.#spares.pop() ?? '', file.path);
      this.#start(fd, { file, over });
    }
  }

  #start(fd: number, options: { readonly file: LazyFile; readonly over: AbortSignal }): void {
    const stream: Promise<void> = this.#stream(fd, options)
      .catch((error: unknown) => this.#failed.abort(error))
      .finally(() => this.#streams.delete(stream));
    this.#streams.add(stream);
  }

  async #stream(
    fd: number,
    options: { readonly file: LazyFile; readonly over: AbortSignal },
  ): Promise<void> {
    const { file, over } = options;
    const pipe = new Socket({ fd, readable: false, writable: true });
    try {
      await pipeline(Readable.from(this.#read(file.id), { objectMode: false }), pipe, {
        signal: over,
      });
    } catch (error) {
      const code = systemCode(error);
      // The reader left, or all of user code has.
      if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE' && !over.aborted) {
        throw error;
      }
    } finally {
      pipe.destroy();
    }
  }

  async *#read(id: string): AsyncGenerator<Uint8Array> {
    const content = await this.#options.contents.readFile(id);
    for await (const bytes of content.kind === 'small' ? [content.bytes] : content.read()) {
      this.#bytes += bytes.length;
      if (bytes.length > 0) {
        yield bytes;
      }
    }
  }

  #makeSpares(count: number): void {
    if (this.#spares.length < count) {
      const paths = this.#newPaths(count - this.#spares.length);
      for (let from = 0; from < paths.length; from += PATHS_PER_CALL) {
        execFileSync('mkfifo', pipeArguments(paths.slice(from, from + PATHS_PER_CALL)));
      }
      this.#spares.push(...paths);
    }
  }

  async #refill(): Promise<void> {
    const paths = this.#newPaths(SPARES - this.#spares.length);
    await makePipes(paths);
    this.#spares.push(...paths);
  }

  #newPaths(count: number): string[] {
    return Array.from({ length: count }, () =>
      join(this.#options.spareDirectory, `pipe-${this.#nextSpare++}`),
    );
  }
}

/** Opens a pipe for writing if somebody reads it. */
function openForReader(path: string): number | undefined {
  try {
    return openSync(path, TRY_FLAGS);
  } catch (error) {
    if (systemCode(error) === 'ENXIO') {
      return undefined;
    }
    throw error;
  }
}
