// A datum runner whose containers are functions of a test.

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { EngineError } from '../../../engine/base/errors.ts';
import type {
  Executor,
  RunResult,
  RunSpec,
  Worker,
  WorkerSpec,
} from '../../../engine/executor/executor.ts';
import type { BucketDoor } from '../../../engine/jobs/datum-buckets.ts';
import { DatumRunner } from '../../../engine/jobs/datum-runner.ts';
import type { DatumTask } from '../../../engine/jobs/datum-task.ts';
import { FileCache } from '../../../engine/jobs/file-cache.ts';
import { InstantClock } from '../../support/instant-clock.ts';
import { MemoryContents } from '../../support/memory-contents.ts';
import { scratchDirectory } from '../../support/scratch.ts';

/** What a command does in a test: user code with the directories in its hands. */
export type Command = (
  spec: RunSpec,
  place: { out: string; pfs: string; worker: number },
) => RunResult | Promise<RunResult>;

export const EXITED: RunResult = { kind: 'exited', code: 0 };

/** Runs functions in place of containers. */
export class FakeExecutor implements Executor {
  readonly kind = 'docker';
  started = 0;
  stopped = 0;
  takenOver = 0;
  command: Command = () => EXITED;
  startError: EngineError | undefined;
  onTakeOver: (out: string) => void = () => {};
  onStop: () => Promise<void> = () => Promise.resolve();

  async probe() {
    return { ok: true, notes: [] };
  }
  async capacity() {
    return { cpus: 2, memoryBytes: 2 ** 32 };
  }
  async resolveImage(): Promise<never> {
    throw new Error('not asked for');
  }
  async engineHost() {
    return { listen: '127.0.0.1', host: '127.0.0.1' };
  }

  async sweep(): Promise<void> {}

  async reclaim(): Promise<void> {}
  async close(): Promise<void> {}

  async startWorker(spec: WorkerSpec): Promise<Worker> {
    if (this.startError) {
      throw this.startError;
    }
    this.started += 1;
    const worker = this.started;
    const place = { out: spec.outputDirectory, pfs: spec.inputDirectory, worker };
    return {
      id: `worker-${worker}`,
      sharesInputs: true,
      run: async (run) => this.command(run, place),
      attach: () => Promise.reject(new Error('nobody attaches')),
      takeOver: async () => {
        this.takenOver += 1;
        this.onTakeOver(spec.outputDirectory);
      },
      stop: async () => {
        this.stopped += 1;
        await this.onStop();
      },
    };
  }
}

/** A runner on a {@link FakeExecutor} that runs `command`, in a directory of its own. */
export function setUpRunner(
  t: TestContext,
  command: Command,
  options: {
    readonly minFreeBytes?: number;
    readonly diskBytes?: number;
    readonly buckets?: BucketDoor;
  } = {},
) {
  const { minFreeBytes = 0, diskBytes, buckets } = options;
  const scratch = scratchDirectory(t);
  const executor = new FakeExecutor();
  executor.command = command;
  const contents = new MemoryContents();
  const cache = new FileCache(join(scratch, 'cache'), { maxBytes: 1e6, minFreeBytes: 0 });
  const directory = join(scratch, 'slot');
  const image = { reference: 'busybox', digest: 'sha256:1', id: 'sha256:1', hasShell: true };
  const runner = new DatumRunner({
    executor,
    cache,
    clock: new InstantClock(),
    minFreeBytes,
    directory,
    buckets,
    worker: {
      image,
      labels: {},
      name: 'test',
      limits: { memoryBytes: 2 ** 29, ...(diskBytes === undefined ? {} : { diskBytes }) },
    },
  });
  const task = (more: Partial<DatumTask> = {}): DatumTask => ({
    datum: 'd1',
    entries: [],
    environment: {},
    command: ['true'],
    acceptReturnCodes: [],
    tries: 1,
    contents,
    withWriter: (use) => use(contents),
    ...more,
  });
  return { executor, contents, runner, task, directory };
}
