// A container of a worker and the directories that it sees. It makes them when they are needed, and knows nothing of
// attempts and failures.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { Executor, Worker, WorkerSpec } from '../executor/executor.ts';
import type { ContentReader, ContentWriter } from './contents.ts';
import type { MountEntry } from './datum-task.ts';
import type { FileCache } from './file-cache.ts';
import { InputDirectory, type ShownStats } from './inputs.ts';
import type { LazyFile } from './lazy-pipes.ts';
import { OutFolder } from './out-folder.ts';
import { OutputDirectory } from './output-directory.ts';
import { type Collected, collectOutput } from './outputs.ts';
import type { Shown } from './shown-tree.ts';
import { removeWorkerDirectory } from './worker-directory.ts';
import { type SecretSource, ShownSecrets } from './worker-secrets.ts';

export interface DatumPlaceOptions {
  readonly executor: Executor;
  readonly cache: FileCache;
  /** Of this place alone; on the same disk as the cache, or every input is a copy. */
  readonly directory: string;
  readonly worker: Omit<WorkerSpec, 'inputDirectory' | 'outputDirectory' | 'secrets'>;
  /** What the commands may see of secrets; a container that was given older ones is replaced between datums. */
  readonly secrets?: SecretSource | undefined;
}

/** Nothing in a bucket leads to an input. */
const NO_INPUTS: Shown = { kind: 'partial', children: new Map() };

/** Where datums of one pipeline are processed, one after the other. */
export class DatumPlace {
  readonly #options: DatumPlaceOptions;
  readonly #inputs: InputDirectory;
  readonly #inputPath: string;
  readonly #output: OutputDirectory;
  /** What is written to the bucket `out`, where commands have one. */
  readonly out: OutFolder;
  /** What the container was given of secrets. */
  readonly secrets: ShownSecrets;
  #worker: Worker | undefined;
  #isFresh = true;
  /** Whether the worker's output is empty, and nothing has run since. */
  #isEmptied = false;

  constructor(options: DatumPlaceOptions) {
    this.#options = options;
    const { cache, directory } = options;
    this.#inputPath = join(directory, 'pfs');
    this.#inputs = new InputDirectory(this.#inputPath, { cache, isReadOnly: true });
    this.#output = new OutputDirectory(join(directory, 'out'));
    this.out = new OutFolder(join(directory, 's3'));
    this.secrets = new ShownSecrets(options.secrets);
  }

  /** Where `/pfs/out` is on this machine. */
  get outputPath(): string {
    return this.#output.path;
  }

  /** The container; undefined where there is none. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  /** Ends a container that was given secrets which are others by now. */
  async renew(): Promise<void> {
    if (this.#worker && this.secrets.areOutdated) {
      await this.discardWorker();
    }
  }

  /** Puts the inputs of a datum in place; rejects as {@link InputDirectory.show} does. */
  async show(
    entries: readonly MountEntry[],
    options: { readonly contents: ContentReader; readonly signal: AbortSignal },
  ): Promise<ShownStats> {
    if (this.#worker === undefined) {
      this.#makeDirectories();
    }
    const shown = await this.#showable(entries, options.signal);
    return await this.#inputs.show(shown, options);
  }

  /** Returns the pipes among the inputs in place, and what they stand for. */
  async lazy(contents: ContentReader): Promise<LazyFile[]> {
    return await this.#inputs.lazy(contents);
  }

  /** Lends a worker whose output is empty to `use`, which is told whether it was given nothing before. */
  async use<T>(
    signal: AbortSignal,
    use: (worker: Worker, options: { readonly isFresh: boolean }) => Promise<T>,
  ): Promise<T> {
    const worker = await this.#readyWorker(signal);
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    this.#isEmptied = false;
    return await use(worker, { isFresh });
  }

  /** Stores the output, of the bucket `out` where `fromBucket`; returns the reason where user code wrote what can't be stored. */
  async collect(
    writer: ContentWriter,
    options: { readonly signal: AbortSignal; readonly fromBucket: boolean },
  ): Promise<Collected | string> {
    const { signal, fromBucket } = options;
    const worker = this.#worker;
    if (!worker) {
      throw new EngineError('internal', 'Cannot store the output: the worker is gone');
    }
    try {
      if (fromBucket) {
        this.#output.checkEmpty();
        return await collectOutput({ directory: this.out.path, inputs: NO_INPUTS, writer, signal });
      }
      return await this.#output.collect(worker, { writer, inputs: this.#inputs.shown, signal });
    } catch (error) {
      if (isEngineError(error, 'invalid')) {
        return error.message;
      }
      throw error;
    }
  }

  /** Frees the room of what was written. What can't be removed now is removed before the next command. */
  async empty(): Promise<void> {
    try {
      await this.out.empty();
      this.#isEmptied ||= await this.#output.empty(this.#worker);
    } catch (error) {
      if (!isEngineError(error, 'unavailable')) {
        throw error;
      }
      await this.discardWorker();
    }
  }

  /** Ends the container; the next command gets another one. */
  async discardWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.stop();
  }

  /** Ends the container, and frees the cached files that its inputs linked to. Nothing else may be asked meanwhile. */
  async rest(): Promise<void> {
    if (this.#worker) {
      await this.discardWorker();
      await this.#inputs.clear();
    }
  }

  /** Removes the directories. */
  async remove(): Promise<void> {
    await removeWorkerDirectory(this.#options.directory, this.#options.executor);
  }

  /** Pipes can't be shown to a container that gets a copy of its inputs: then all files are there from the start. */
  async #showable(
    entries: readonly MountEntry[],
    signal: AbortSignal,
  ): Promise<readonly MountEntry[]> {
    const isLazy = entries.some(({ lazy }) => lazy === true);
    if (!isLazy || (await this.#readyWorker(signal)).sharesInputs) {
      return entries;
    }
    return entries.map((entry) => ({ ...entry, lazy: false }));
  }

  async #readyWorker(signal: AbortSignal): Promise<Worker> {
    for (;;) {
      this.#worker ??= await this.#startWorker(signal);
      this.#isEmptied ||= await this.#output.empty(this.#worker);
      if (this.#isEmptied) {
        return this.#worker;
      }
      const id = this.#worker.id.slice(0, 12);
      await this.discardWorker();
      this.#output.replace(id);
    }
  }

  async #startWorker(signal: AbortSignal): Promise<Worker> {
    this.#isFresh = true;
    this.#isEmptied = false;
    const { executor, worker } = this.#options;
    const directories = { inputDirectory: this.#inputPath, outputDirectory: this.#output.path };
    const secrets = this.secrets.open();
    return await executor.startWorker({ ...worker, ...secrets, ...directories }, { signal });
  }

  #makeDirectories(): void {
    mkdirSync(this.#inputPath, { recursive: true, mode: 0o755 });
    // Others on this machine see nothing of it; the container does, through its mounts.
    chmodSync(this.#options.directory, 0o700);
    this.#output.make();
  }
}
