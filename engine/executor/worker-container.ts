// One container of a worker, from its making to its removal.

import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { AttachStream, type OutputSink } from './attach-stream.ts';
import { type AttachSurroundings, attachCommand } from './attached.ts';
import { dockerStatus } from './docker-errors.ts';
import type { Attached, AttachSpec } from './executor.ts';

/** A container that is running or has run, with the stream attached to it. */
export class WorkerContainer {
  readonly id: string;
  readonly stream: AttachStream;
  /** The exit code of PID 1 once it has ended; undefined where nobody could tell. Never rejects. */
  readonly exit: Promise<number | undefined>;
  readonly #container: Docker.Container;

  private constructor(
    container: Docker.Container,
    parts: { stream: AttachStream; exit: Promise<number | undefined> },
  ) {
    this.id = container.id;
    this.#container = container;
    this.stream = parts.stream;
    this.exit = parts.exit;
  }

  /**
   * Attaches to a made container and starts it; `sink` gets its output, standard error too where `merged`. A container
   * that can't be started is removed.
   */
  static async start(
    container: Docker.Container,
    sink: OutputSink,
    options: { merged?: boolean; autoRemove: boolean },
  ): Promise<WorkerContainer> {
    let stream: AttachStream | undefined;
    try {
      const socket = await container.attach({
        stream: true,
        stdin: true,
        stdout: true,
        stderr: true,
        hijack: true,
      });
      stream = new AttachStream(socket as Duplex, sink, { merged: options.merged ?? false });
      const wait = async (condition: 'removed' | 'not-running'): Promise<number | undefined> => {
        try {
          return ((await container.wait({ condition })) as { StatusCode: number }).StatusCode;
        } catch {
          return undefined;
        }
      };
      // A container that removes itself may be gone before it could be asked; a kept one may end before that.
      const removed = options.autoRemove ? wait('removed') : undefined;
      await container.start();
      const exit = removed ?? wait('not-running');
      return new WorkerContainer(container, { stream, exit });
    } catch (error) {
      stream?.destroy();
      await removeContainer(container);
      throw error;
    }
  }

  /** Runs a command beside PID 1, as the container's own user, to its end. */
  async exec(argv: readonly string[]): Promise<void> {
    const exec = await this.#container.exec({
      Cmd: [...argv],
      AttachStdout: true,
      AttachStderr: true,
    });
    const output = await exec.start({ hijack: true, stdin: false });
    await new Promise<void>((resolve) => {
      output.on('close', () => resolve());
      output.on('end', () => resolve());
      output.on('error', () => resolve());
      output.resume();
    });
  }

  /** Starts a command beside PID 1 with somebody at the other end. */
  async attach(spec: AttachSpec, surroundings: AttachSurroundings): Promise<Attached> {
    return await attachCommand(this.#container, spec, surroundings);
  }

  /** Kills PID 1 and with it everything in the container; one that is gone already is fine. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL');
  }

  /** Sends a signal to PID 1; a container that is gone already is fine. */
  async signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    try {
      await this.#container.kill({ signal });
    } catch (error) {
      if (dockerStatus(error) !== 404 && dockerStatus(error) !== 409) {
        throw error;
      }
    }
  }

  /** Returns what the engine knows of a container that is kept after its end. */
  async inspect(): Promise<Docker.ContainerInspectInfo> {
    return await this.#container.inspect();
  }

  /** Lets go of the container, kills and removes it, and its anonymous volumes with it. */
  async remove(): Promise<void> {
    // A removal waits for a stream that nobody reads.
    this.stream.destroy();
    await removeContainer(this.#container);
  }
}

/** Removes a container, whatever its state, and waits until it is gone. One that is gone already is fine. */
export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (dockerStatus(error) === 404) {
      return;
    }
    if (dockerStatus(error) !== 409) {
      throw error;
    }
    await container.wait({ condition: 'removed' }).catch((late: unknown) => {
      if (dockerStatus(late) !== 404) {
        throw late;
      }
    });
  }
}
