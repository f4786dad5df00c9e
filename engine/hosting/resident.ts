// One container that runs until it is told to end, and the directories that it sees. What it is given stays the same for as
// long as it runs.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isEngineError } from '../base/errors.ts';
import { linkAbort } from '../base/linked-abort.ts';
import type { PortAddress, RunResult, Worker, WorkerSpec } from '../executor/executor.ts';
import { failureReason } from '../jobs/attempt-reason.ts';
import type { DatumTask } from '../jobs/datum-task.ts';
import { DiskGuard } from '../jobs/disk-guard.ts';
import { InputDirectory } from '../jobs/inputs.ts';
import { LineTail } from '../jobs/line-tail.ts';
import { OutputDirectory } from '../jobs/output-directory.ts';
import { removeWorkerDirectory } from '../jobs/worker-directory.ts';
import type { ShownSecrets } from '../jobs/worker-secrets.ts';
import type { HostParts } from './host.ts';
import type { HostedRoom, RoomWish } from './hosted-room.ts';

export interface ResidentOptions {
  readonly parts: HostParts;
  /** Of this container alone. */
  readonly directory: string;
  /** Of its pipeline. */
  readonly room: HostedRoom;
  /** Keep what stands in `/pfs/out` when the container is started again. */
  readonly keepsOutput?: boolean;
}

export interface ResidentRun {
  readonly task: Pick<
    DatumTask,
    'entries' | 'environment' | 'command' | 'stdin' | 'workingDirectory' | 'contents'
  >;
  readonly worker: Omit<
    WorkerSpec,
    'inputDirectory' | 'outputDirectory' | 'alone' | 'port' | 'secrets'
  >;
  /** What the command may see of secrets: opened when it is started. */
  readonly secrets: ShownSecrets;
  /** What it takes of the machine, and where it says that it waits for that. */
  readonly room: Pick<RoomWish, 'need' | 'onWait'>;
  /** Says why it may not start after all; asked last, since it may have waited for room for long. */
  readonly problem: () => string | undefined;
  readonly port?: number;
  /** Ends the container: it is told to end, and killed after `graceMs()`. */
  readonly signal: AbortSignal;
  readonly graceMs: () => number;
  readonly onLog: (chunk: Buffer) => void | Promise<void>;
  readonly onStarted: (addresses: readonly PortAddress[]) => void;
}

/** The place of one container. */
export class Resident {
  readonly #options: ResidentOptions;
  readonly #inputs: InputDirectory;
  readonly #inputPath: string;
  readonly #output: OutputDirectory;
  readonly #disk: DiskGuard;
  #worker: Worker | undefined;

  constructor(options: ResidentOptions) {
    this.#options = options;
    const { parts, directory } = options;
    this.#inputPath = join(directory, 'pfs');
    const isReadOnly = parts.executor.kind === 'docker';
    this.#inputs = new InputDirectory(this.#inputPath, { cache: parts.cache, isReadOnly });
    this.#output = new OutputDirectory(join(directory, 'out'));
    this.#disk = new DiskGuard({ ...parts, directory });
  }

  /** Where the container's `/pfs/out` is on this machine. */
  get output(): OutputDirectory {
    return this.#output;
  }

  /** Where the container's `/pfs` is on this machine. */
  get inputPath(): string {
    return this.#inputPath;
  }

  /** The container while there is one. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  /**
   * Runs the command until it ends by itself, and returns why it did. Rejects with `cancelled` once the signal aborts, and
   * with other errors where the executor, the store or this machine fails.
   */
  async run(run: ResidentRun): Promise<string> {
    const { signal } = run;
    if (this.#options.parts.executor.kind !== 'docker') {
      throw new EngineError(
        'failed_precondition',
        'services and spouts need containers, and this engine runs commands without; start it with Docker',
      );
    }
    const leave = await this.#options.room.enter({ ...run.room, signal });
    try {
      return await this.#run(run);
    } finally {
      leave();
    }
  }

  async #run(run: ResidentRun): Promise<string> {
    const { task, signal, onLog, onStarted, port, secrets } = run;
    this.make();
    // Pipes would have to be watched for as long as the command runs: all files are there from the start.
    const entries = task.entries.map((entry) => ({ ...entry, lazy: false }));
    await this.#inputs.show(entries, { contents: task.contents, signal });
    const problem = run.problem();
    if (problem !== undefined) {
      return problem;
    }
    const worker = await this.#options.parts.executor.startWorker(
      {
        ...run.worker,
        ...secrets.open(),
        alone: true,
        ...(port === undefined ? {} : { port }),
        inputDirectory: this.#inputPath,
        outputDirectory: this.#output.path,
      },
      { signal },
    );
    this.#worker = worker;
    const tail = new LineTail();
    const { controller: cut, unlink } = linkAbort(signal);
    try {
      const result = await this.#disk.watch(cut, () =>
        worker.run({
          command: task.command,
          env: { ...task.environment, ...secrets.environment },
          ...(task.stdin === undefined ? {} : { stdin: task.stdin }),
          ...(task.workingDirectory === undefined
            ? {}
            : { workingDirectory: task.workingDirectory }),
          signal: cut.signal,
          graceMs: () => run.graceMs(),
          onStarted,
          onOutput: (chunk) => {
            tail.push(chunk);
            return onLog(chunk);
          },
        }),
      );
      return endReason(result, { limits: run.worker.limits, lastLines: tail.end() });
    } catch (error) {
      const { reason } = cut.signal;
      const cause = isEngineError(reason, 'resource_exhausted') ? reason : error;
      if (isEngineError(cause, 'resource_exhausted') || isEngineError(cause, 'invalid')) {
        return cause.message;
      }
      throw error;
    } finally {
      unlink();
      this.#disk.rest();
      await worker.stop();
      if (!this.#options.keepsOutput) {
        await this.#output.empty(worker).catch(this.#options.parts.onProblem);
      }
      this.#worker = undefined;
    }
  }

  /** Makes the directories where they are missing. */
  make(): void {
    mkdirSync(this.#inputPath, { recursive: true, mode: 0o755 });
    // Others on this machine see nothing of it; the container does, through its mounts.
    chmodSync(this.#options.directory, 0o700);
    this.#output.make();
  }

  /** Removes the directories. The container must have ended. */
  async close(): Promise<void> {
    const { directory, parts } = this.#options;
    await removeWorkerDirectory(directory, parts.executor);
  }
}

function endReason(
  result: RunResult,
  about: { readonly limits: WorkerSpec['limits']; readonly lastLines: readonly string[] },
): string {
  const why = failureReason(result, { ...about, acceptReturnCodes: [] });
  return why === undefined ? 'the command ended (exit code 0)' : `the command ended: ${why}`;
}
