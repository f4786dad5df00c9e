// The surroundings of one datum with somebody in them: its inputs, and a container in which a command of theirs runs.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Attached, AttachSpec, Worker } from '../executor/executor.ts';
import { type OpenBuckets, openBuckets } from './datum-buckets.ts';
import type { DatumRunnerOptions } from './datum-runner.ts';
import type { DatumTask } from './datum-task.ts';
import { InputDirectory } from './inputs.ts';
import { OutFolder } from './out-folder.ts';
import { OutputDirectory } from './output-directory.ts';
import { removeWorkerDirectory } from './worker-directory.ts';

/** One datum, for one command. */
export class DatumBench {
  readonly #options: DatumRunnerOptions;
  readonly #out: OutFolder;
  #worker: Worker | undefined;
  #buckets: OpenBuckets | undefined;

  constructor(options: DatumRunnerOptions) {
    this.#options = options;
    this.#out = new OutFolder(join(options.directory, 's3'));
  }

  /**
   * Shows the inputs and starts the command; lazy files are there from the start. Call it once. Rejects with `invalid` where
   * the inputs can't be shown.
   */
  async attach(
    task: DatumTask,
    options: Pick<AttachSpec, 'command' | 'terminal' | 'onOutput'> & {
      readonly signal: AbortSignal;
    },
  ): Promise<Attached> {
    const { signal, ...spec } = options;
    const { executor, cache, directory, worker, secrets, buckets } = this.#options;
    const [inputDirectory, output] = [
      join(directory, 'pfs'),
      new OutputDirectory(join(directory, 'out')),
    ];
    mkdirSync(inputDirectory, { recursive: true, mode: 0o755 });
    chmodSync(directory, 0o700);
    output.make();
    const entries = task.entries.map((entry) => ({ ...entry, lazy: false }));
    await new InputDirectory(inputDirectory, { cache, isReadOnly: true }).show(entries, {
      contents: task.contents,
      signal,
    });
    const seen = secrets?.open();
    const directories = { inputDirectory, outputDirectory: output.path };
    this.#worker = await executor.startWorker(
      { ...worker, ...directories, ...(seen ? { secrets: seen.directories } : {}) },
      { signal },
    );
    if (task.buckets) {
      if (task.buckets.isOutput) {
        await this.#out.open();
      }
      this.#buckets = await openBuckets(buckets, { buckets: task.buckets, out: this.#out });
    }
    return await this.#worker.attach({
      ...spec,
      env: { ...task.environment, ...seen?.environment, ...this.#buckets?.environment },
      ...(task.workingDirectory === undefined ? {} : { workingDirectory: task.workingDirectory }),
    });
  }

  /** Ends the command, if it still runs. */
  async stop(): Promise<void> {
    await this.#worker?.stop();
  }

  /** Ends the command and removes everything. */
  async close(): Promise<void> {
    await this.stop();
    await this.#buckets?.close();
    await this.#out.empty();
    await removeWorkerDirectory(this.#options.directory, this.#options.executor);
  }
}
