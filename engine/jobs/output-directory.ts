// The directory that user code sees as `/pfs/out`: emptied for each datum, collected after it. What user code left
// under another user is taken over with the worker's help.

import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { EngineError, errorText } from '../base/errors.ts';
import type { Worker } from '../executor/executor.ts';
import type { ContentWriter } from './contents.ts';
import { emptyDirectory, isAccessDenied } from './host-directory.ts';
import { type Collected, collectOutput } from './outputs.ts';
import type { Shown } from './shown-tree.ts';

/** User code of any user writes to it. */
const MODE = 0o777;

/** The outputs of one worker. */
export class OutputDirectory {
  readonly path: string;
  #replaced = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Makes the directory where it is missing, writable for whoever user code runs as. */
  make(): void {
    mkdirSync(this.path, { recursive: true });
    // The mode given to mkdir would lose what the umask takes.
    chmodSync(this.path, MODE);
  }

  /**
   * Removes everything in it. Answers false where that can't be done even with the worker's help, or without one: then
   * {@link replace} it, and start another worker.
   */
  async empty(worker: Worker | undefined): Promise<boolean> {
    try {
      await this.#empty();
      return true;
    } catch (error) {
      if (!isAccessDenied(error)) {
        throw directoryError(error, this.path);
      }
    }
    if (!worker) {
      return false;
    }
    await worker.takeOver();
    try {
      await this.#empty();
      return true;
    } catch (error) {
      if (isAccessDenied(error)) {
        return false;
      }
      throw directoryError(error, this.path);
    }
  }

  async #empty(): Promise<void> {
    await emptyDirectory(this.path);
    if ((lstatSync(this.path).mode & 0o7777) !== MODE) {
      chmodSync(this.path, MODE);
    }
  }

  /** Throws `invalid` where something is, or may be, in it although the output goes elsewhere: it would be lost. */
  checkEmpty(): void {
    const [first] = this.#names();
    if (first !== undefined) {
      throw new EngineError(
        'invalid',
        `Cannot store output "/pfs/out/${first}": with s3_out, the output is what is written to the bucket "out"; write it there, or take s3_out out of the spec`,
      );
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.path);
    } catch (error) {
      throw isAccessDenied(error) ? unreadable(error) : directoryError(error, this.path);
    }
  }

  /** Puts what can't be removed aside and makes a new directory. A running worker still sees the old one. */
  replace(unique: string): void {
    this.#replaced += 1;
    renameSync(this.path, `${this.path}-${unique}-${this.#replaced}`);
    this.make();
  }

  /**
   * Stores what it holds. Rejects with `invalid`, and the reason, for what user code should not have written; with
   * `unavailable` where this machine fails.
   */
  async collect(
    worker: Worker,
    options: { writer: ContentWriter; inputs: Shown; signal?: AbortSignal },
  ): Promise<Collected> {
    try {
      return await collectOutput({ directory: this.path, ...options });
    } catch (error) {
      if (!isAccessDenied(error)) {
        throw directoryError(error, this.path);
      }
    }
    await worker.takeOver();
    try {
      return await collectOutput({ directory: this.path, ...options });
    } catch (error) {
      throw isAccessDenied(error) ? unreadable(error) : directoryError(error, this.path);
    }
  }
}

function unreadable(error: unknown): EngineError {
  return new EngineError(
    'invalid',
    `Cannot store the output: user code left files in /pfs/out that nobody else may read (${errorText(error)}); make them readable`,
    { cause: error },
  );
}

function directoryError(error: unknown, path: string): EngineError {
  if (error instanceof EngineError) {
    return error;
  }
  return new EngineError(
    'unavailable',
    `Cannot work on directory "${path}": ${errorText(error)}; check the disk`,
    { cause: error },
  );
}
