// Two named pipes between this process and the loop of one container: commands go in and results come out without
// passing through Docker, whose hops on the way cost more than a small command.

import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EngineError, systemCode } from '../base/errors.ts';
import type { OutputSink } from './attach-stream.ts';
import { CONTROL_MOUNT } from './control-mount.ts';
import { COMMAND_PIPE, RESULT_PIPE } from './worker-loop.ts';

const execute = promisify(execFile);
/** A pipe that is open both ways never ends and never makes its opener wait. */
const FLAGS = constants.O_RDWR | constants.O_NONBLOCK;
const READ_BYTES = 64 * 1024;

/** Returns whether pipes of this machine can be the ones that containers see: elsewhere those have a kernel of their own. */
export function mayHavePipes(): boolean {
  return process.platform === 'linux';
}

/** The near ends of the pipes. Where the far ends are other pipes after all, nothing ever comes. */
export class LoopPipes {
  readonly #commands: number;
  readonly #results: number;
  readonly #socket: Socket;
  readonly #sink: OutputSink;
  #pending: Promise<void> | undefined;
  #isClosed = false;

  /** Makes the pipes in the control directory of a container; `sink` gets what comes out, and must not reject. */
  static async make(directory: string, sink: OutputSink): Promise<LoopPipes> {
    const [commands = '', results = ''] = [COMMAND_PIPE, RESULT_PIPE].map((path) =>
      join(directory, path.slice(CONTROL_MOUNT.length)),
    );
    // Whoever the container runs as opens each of them both ways for a moment: otherwise it would wait.
    await execute('mkfifo', ['-m', '0666', commands, results]);
    return new LoopPipes({ commands, results }, sink);
  }

  private constructor(paths: { commands: string; results: string }, sink: OutputSink) {
    this.#sink = sink;
    this.#commands = openSync(paths.commands, FLAGS);
    this.#results = openSync(paths.results, FLAGS);
    this.#socket = new Socket({ fd: this.#results, readable: true, writable: false });
    this.#socket.on('error', () => {});
    this.#socket.on('data', (payload: Buffer) => {
      const pending = sink(payload);
      if (pending) {
        this.#socket.pause();
        this.#pending = pending.finally(() => {
          this.#pending = undefined;
          this.#socket.resume();
        });
      }
    });
  }

  /** Sends a line or two, of at most 4 KiB together; a loop that is gone never reads them. */
  write(text: string): void {
    try {
      writeSync(this.#commands, text);
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') {
        throw error;
      }
      throw pipeIsFull(error);
    }
  }

  /** Resolves once the sink has everything that came out of a container that is gone. */
  async drain(): Promise<void> {
    this.#socket.removeAllListeners('data').pause();
    await this.#pending;
    this.#socket.pause();
    while (!this.#isClosed) {
      const payload = (this.#socket.read() as Buffer | null) ?? this.#readPipe();
      if (payload === undefined) {
        return;
      }
      await this.#sink(payload);
    }
  }

  /** Ends what the loop reads; it goes on with its standard input, if that is still open. */
  close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      closeSync(this.#commands);
      this.#socket.destroy();
    }
  }

  /** Reads what the socket has not taken out of the pipe; undefined where there is nothing. */
  #readPipe(): Buffer | undefined {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    try {
      const count = readSync(this.#results, buffer);
      return count === 0 ? undefined : buffer.subarray(0, count);
    } catch (error) {
      if (systemCode(error) === 'EAGAIN') {
        return undefined;
      }
      throw error;
    }
  }
}

function pipeIsFull(cause: unknown): EngineError {
  return new EngineError(
    'unavailable',
    'Cannot send a command to a container: user code has filled the pipe; start another worker',
    { cause },
  );
}
