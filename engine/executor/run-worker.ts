// A worker that makes a container for every command: for images without a shell, and for Docker engines that can't be
// trusted with directories of this host. Slower, and otherwise the same.

import type Docker from 'dockerode';
import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import { bind } from './container-options.ts';
import { dockerError, dockerMessage, dockerStatus } from './docker-errors.ts';
import type { RunResult, RunSpec, Worker } from './executor.ts';
import { takeOverDirectory } from './take-over.ts';
import { unpackTar } from './tar-reader.ts';
import { directoryEntries, packTar, type TarEntry } from './tar-writer.ts';
import { removeContainer, WorkerContainer } from './worker-container.ts';
import { startDeadline, type WorkerContext } from './worker-context.ts';

/** How often a container is looked at whose stream has ended before it has. */
const LOOK_MS = 1000;
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** One container per command; see `Worker` for what its methods promise. */
export class RunWorker implements Worker {
  readonly id: string;
  readonly #context: WorkerContext;
  readonly #transfer: 'bind' | 'tar';
  readonly #stopped = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(context: WorkerContext, options: { transfer: 'bind' | 'tar' }) {
    this.id = context.name;
    this.#context = context;
    this.#transfer = options.transfer;
  }

  get sharesInputs(): boolean {
    return this.#transfer === 'bind';
  }

  async run(spec: RunSpec): Promise<RunResult> {
    if (spec.signal?.aborted) {
      throw this.#cancelled();
    }
    if (this.#stopped.signal.aborted || this.#running) {
      const [code, state] = this.#running
        ? (['failed_precondition', 'it is running another; wait for that to end'] as const)
        : (['unavailable', 'it was stopped; start another worker'] as const);
      throw new EngineError(code, `Cannot run command in worker "${this.id}": ${state}`);
    }
    const running = this.#run(spec);
    this.#running = running.catch(() => {});
    try {
      return await running;
    } catch (error) {
      throw dockerError(error, `run command in worker "${this.id}"`);
    } finally {
      this.#running = undefined;
    }
  }

  async takeOver(): Promise<void> {
    await takeOverDirectory(this.#context.spec.outputDirectory, this.#context.createHelper);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#context.onStopped(this);
  }

  async #run(spec: RunSpec): Promise<RunResult> {
    const made = await this.#create(spec);
    try {
      if (this.#transfer === 'tar') {
        const entries = inputEntries(this.#context.spec.inputDirectory);
        await made.putArchive(packTar(entries), { path: '/' });
        const { secretFiles } = this.#context;
        if (!secretFiles.isEmpty) {
          await made.putArchive(packTar(secretFiles.entries()), { path: '/' });
        }
      }
      const result = await this.#runIn(made, spec);
      if (this.#transfer === 'tar' && result.kind === 'exited') {
        const archive = await made.getArchive({ path: '/pfs/out' });
        const { outputDirectory } = this.#context.spec;
        await unpackTar(archive as AsyncIterable<Buffer>, outputDirectory, { strip: 1 });
      }
      return result;
    } finally {
      await removeContainer(made).catch((error: unknown) => {
        this.#context.onLeft(made.id);
        throw error;
      });
    }
  }

  async #create(spec: RunSpec): Promise<Docker.Container> {
    const { env, spec: worker, workingDirectory } = this.#context;
    const [program, ...words] = spec.command;
    const mounts = [
      bind(worker.inputDirectory, '/pfs', true),
      bind(worker.outputDirectory, '/pfs/out', false),
      ...this.#context.secretFiles.mounts,
    ];
    return await this.#context.create({
      entrypoint: program === undefined ? undefined : [program],
      command: program === undefined ? undefined : words,
      env: Object.entries({ ...env, ...spec.env }).map(([name, value]) => `${name}=${value}`),
      mounts: this.#transfer === 'bind' ? mounts : [],
      autoRemove: false,
      workingDirectory: spec.workingDirectory ?? workingDirectory,
    });
  }

  async #runIn(made: Docker.Container, spec: RunSpec): Promise<RunResult> {
    let failure: { error: unknown } | undefined;
    let container: WorkerContainer | undefined;
    const take = async (payload: Buffer): Promise<void> => {
      try {
        await (failure ? undefined : spec.onOutput(payload));
      } catch (error) {
        failure = { error };
        await container?.kill();
      }
    };
    try {
      container = await WorkerContainer.start(made, take, { merged: true, autoRemove: false });
    } catch (error) {
      return await explainStart(error, spec);
    }
    container.stream.end(spec.stdin ?? '');
    const signals = [this.#stopped.signal, ...(spec.signal ? [spec.signal] : [])];
    const deadline = startDeadline(this.#context.clock, spec.timeoutMs, AbortSignal.any(signals));
    const ended = exitOf(container, this.#context.clock);
    const first = await Promise.race([ended, deadline.passed]);
    deadline.cancel();
    if (typeof first === 'string') {
      await container.kill();
    }
    const code = await ended;
    if (failure) {
      throw failure.error;
    }
    if (first === 'cancelled') {
      throw this.#cancelled();
    }
    return first === 'timed_out' ? { kind: 'timed_out' } : await resultOf(container, code);
  }

  #cancelled(): EngineError {
    return new EngineError(
      'cancelled',
      `Cannot run command in worker "${this.id}": the work was cancelled`,
    );
  }
}

/** Returns the exit code once the command has ended and all that it printed has come. */
async function exitOf(container: WorkerContainer, clock: Clock): Promise<number> {
  await container.stream.ended;
  for (;;) {
    const over = new AbortController();
    const late = clock.sleep(LOOK_MS, { signal: over.signal }).catch(() => undefined);
    const known = await Promise.race([container.exit, late]);
    over.abort();
    if (known !== undefined) {
      return known;
    }
    // The command closed its output and goes on, or the connection broke off; who waits on that is told nothing more.
    const { State } = await container.inspect();
    if (!State.Running) {
      return State.ExitCode;
    }
    await late;
  }
}

async function resultOf(container: WorkerContainer, code: number): Promise<RunResult> {
  const { State } = await container.inspect();
  if (State.OOMKilled && code !== 0) {
    const reason = `the kernel killed a process for memory; the command exited with code ${code}`;
    return { kind: 'lost', reason, outOfMemory: true };
  }
  return { kind: 'exited', code };
}

/** A program that is not there is the command's failure, not ours: it exits as a shell would say it. */
async function explainStart(error: unknown, spec: RunSpec): Promise<RunResult> {
  const message = dockerMessage(error);
  const missing = /executable file not found|no such file or directory/i.test(message);
  if (dockerStatus(error) === undefined || !(missing || /permission denied/i.test(message))) {
    throw error;
  }
  await spec.onOutput(Buffer.from(`${message}\n`));
  return { kind: 'exited', code: missing ? NOT_FOUND : NOT_EXECUTABLE };
}

async function* inputEntries(directory: string): AsyncGenerator<TarEntry> {
  yield { name: 'pfs/', type: 'directory', mode: 0o755 };
  yield* directoryEntries(directory, 'pfs');
  yield { name: 'pfs/out/', type: 'directory', mode: 0o777 };
}
