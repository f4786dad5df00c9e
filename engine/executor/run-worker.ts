// A worker that makes a container for every command: for images without a shell, and for Docker engines that can't be
// trusted with directories of this host. Slower, and otherwise the same.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import { bind, extraBinds } from './container-options.ts';
import { singleCommand } from './datum-client.ts';
import { dockerError, dockerMessage, dockerStatus } from './docker-errors.ts';
import type { Attached, AttachSpec, RunResult, RunSpec, Worker, WorkerSpec } from './executor.ts';
import { portAddresses } from './port-addresses.ts';
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
  #attached: Docker.Container | undefined;

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

  async attach(spec: AttachSpec): Promise<Attached> {
    if (!this.#context.spec.image.hasShell) {
      return this.#attachRun(spec);
    }
    const { env, workingDirectory } = this.#context;
    const made = await this.#context.create({
      // It ends when its standard input does, as that of warm workers.
      entrypoint: ['/bin/sh', '-c', 'while read -r line; do :; done'],
      command: [],
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      mounts: this.#mounts(),
      autoRemove: true,
      workingDirectory: '/',
    });
    this.#attached = made;
    await this.#fill(made);
    const container = await WorkerContainer.start(made, () => undefined, { autoRemove: true });
    const place = (text: string) =>
      placeText(made, join(this.#context.scratchDirectory, this.id), text);
    return await container.attach(spec, { env, workingDirectory, place });
  }

  /** Nothing can be started beside a program where there is no shell: it is the container's own, and nobody feeds it. */
  #attachRun(spec: AttachSpec): Attached {
    const { image } = this.#context.spec;
    if (spec.command.length === 0) {
      throw new EngineError(
        'failed_precondition',
        `Cannot open a shell in image "${image.reference}": it has none; give a command after --`,
      );
    }
    const run = async (): Promise<number> => {
      const { terminal: _, onOutput, ...rest } = spec;
      const result = await this.run({ ...rest, onOutput: (chunk) => onOutput(chunk, 'stdout') });
      if (result.kind === 'exited') {
        return result.code;
      }
      const why = result.kind === 'lost' ? result.reason : 'it took too long';
      throw new EngineError('unavailable', `Cannot follow the command: ${why}`);
    };
    const exited = run();
    exited.catch(() => undefined);
    const nothing = () => Promise.resolve();
    return { exited, write: nothing, end: () => undefined, resize: nothing };
  }

  async takeOver(): Promise<void> {
    await takeOverDirectory(this.#context.spec.outputDirectory, this.#context.createHelper);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    const attached = this.#attached;
    try {
      await (attached && removeContainer(attached));
    } catch (error) {
      this.#context.onLeft(attached?.id ?? '');
      throw error;
    } finally {
      this.#context.onStopped(this);
    }
  }

  async #run(spec: RunSpec): Promise<RunResult> {
    const made = await this.#create(spec);
    try {
      await this.#fill(made);
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

  #mounts(): Docker.MountSettings[] {
    const { spec } = this.#context;
    return this.#transfer === 'tar'
      ? []
      : [
          bind(spec.inputDirectory, '/pfs', true),
          bind(spec.outputDirectory, '/pfs/out', false),
          ...extraBinds(spec),
          ...this.#context.secretFiles.mounts,
        ];
  }

  /** Copies into a container what can't be bound into it. */
  async #fill(made: Docker.Container): Promise<void> {
    if (this.#transfer === 'tar') {
      const { spec, secretFiles } = this.#context;
      await made.putArchive(packTar(inputEntries(spec)), { path: '/' });
      if (!secretFiles.isEmpty) {
        await made.putArchive(packTar(secretFiles.entries()), { path: '/' });
      }
    }
  }

  /** A container gets one datum, and a command that asks for more is ended: the next one is for another container. */
  #single({ command }: RunSpec): readonly string[] {
    const { image } = this.#context.spec;
    if (!image.hasShell) {
      throw new EngineError(
        'failed_precondition',
        `Cannot run command in worker "${this.id}": datum_batching needs a shell at /bin/sh, and image "${image.reference}" has none; add one to the image, or leave datum_batching out`,
      );
    }
    return singleCommand(command.length > 0 ? command : this.#context.imageCommand);
  }

  async #create(spec: RunSpec): Promise<Docker.Container> {
    const { env, workingDirectory } = this.#context;
    const [program, ...words] = spec.takesDatums ? this.#single(spec) : spec.command;
    return await this.#context.create({
      entrypoint: program === undefined ? undefined : [program],
      command: program === undefined ? undefined : words,
      env: Object.entries({ ...env, ...spec.env }).map(([name, value]) => `${name}=${value}`),
      mounts: this.#mounts(),
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
    await this.#tellStarted(container, spec);
    const signals = [this.#stopped.signal, ...(spec.signal ? [spec.signal] : [])];
    const deadline = startDeadline(this.#context.clock, spec.timeoutMs, AbortSignal.any(signals));
    const ended = exitOf(container, this.#context.clock);
    const first = await Promise.race([ended, deadline.passed]);
    deadline.cancel();
    if (typeof first === 'string') {
      await this.#end(container, ended, first === 'cancelled' ? (spec.graceMs?.() ?? 0) : 0);
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

  /** Tells the command to end, and kills it where it has not done so in time. */
  async #end(container: WorkerContainer, ended: Promise<unknown>, graceMs: number): Promise<void> {
    if (graceMs > 0) {
      await container.signal('SIGTERM');
      const over = new AbortController();
      const late = this.#context.clock.sleep(graceMs, { signal: over.signal }).catch(() => {});
      await Promise.race([ended, late]);
      over.abort();
    }
    await container.kill();
  }

  /** Says how the command's port is reached; of one that has ended already it is not. */
  async #tellStarted(container: WorkerContainer, { onStarted }: RunSpec): Promise<void> {
    const { isLocal, spec } = this.#context;
    if (!onStarted) {
      return;
    }
    if (spec.port === undefined || !isLocal) {
      onStarted([]);
      return;
    }
    const { State, NetworkSettings } = await container.inspect();
    if (State.Running) {
      onStarted(portAddresses(NetworkSettings, spec.port));
    }
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

async function* inputEntries(spec: WorkerSpec): AsyncGenerator<TarEntry> {
  yield { name: 'pfs/', type: 'directory', mode: 0o755 };
  yield* directoryEntries(spec.inputDirectory, 'pfs');
  yield { name: 'pfs/out/', type: 'directory', mode: 0o777 };
  for (const { source, target } of spec.mounts ?? []) {
    yield* directoryEntries(source, target.replace(/^\/+/, ''));
  }
}

/** Puts a text into a container; `file` is where it stands on this host meanwhile. Returns its path in the container. */
async function placeText(made: Docker.Container, file: string, text: string): Promise<string> {
  const name = 'tmp/pfs-attach.sh';
  await writeFile(file, text);
  try {
    const content = { path: file, size: Buffer.byteLength(text) };
    await made.putArchive(packTar([{ name, type: 'file', mode: 0o644, content }]), { path: '/' });
  } finally {
    await rm(file, { force: true });
  }
  return `/${name}`;
}
