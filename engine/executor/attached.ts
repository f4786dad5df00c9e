// A command in a container with somebody at the other end: a person's shell, or a program fed from a pipe.

import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { EngineError } from '../base/errors.ts';
import { dockerError } from './docker-errors.ts';
import type { Attached, AttachSpec, TerminalSize } from './executor.ts';
import { FrameReader } from './frame-reader.ts';
import { shellQuote } from './shell-quote.ts';
import { assignments, wordOf } from './worker-loop.ts';

/** A longer command goes as a file: no single word given to a program may be longer than 128 KiB. */
const MAX_TEXT_BYTES = 64 * 1024;
/** The shell that a person gets: bash where there is one. */
const SHELL = [
  '/bin/sh',
  '-c',
  'if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh',
] as const;

export interface AttachSurroundings {
  /** What every command finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The container's own working directory. */
  readonly workingDirectory: string;
  /** Puts a text into a file that the container sees; returns its path there. */
  readonly place: (text: string) => Promise<string>;
}

/** Starts a command beside PID 1, in the surroundings that the commands of datums have. */
export async function attachCommand(
  container: Docker.Container,
  spec: AttachSpec,
  surroundings: AttachSurroundings,
): Promise<Attached> {
  const text = attachText(spec, surroundings);
  const argv =
    Buffer.byteLength(text) <= MAX_TEXT_BYTES
      ? ['/bin/sh', '-c', text]
      : ['/bin/sh', '-c', `. ${shellQuote(await surroundings.place(text))}`];
  try {
    const exec = await container.exec({
      Cmd: argv,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: spec.terminal !== undefined,
    });
    const tty = spec.terminal !== undefined;
    const socket = await exec.start({ hijack: true, stdin: true, Tty: tty });
    const attached = new AttachedExec(exec, { socket, spec });
    await (spec.terminal && attached.resize(spec.terminal));
    return attached;
  } catch (error) {
    throw dockerError(error, `start a command in container "${container.id.slice(0, 12)}"`);
  }
}

function attachText(spec: AttachSpec, { env, workingDirectory }: AttachSurroundings): string {
  const directory = shellQuote(spec.workingDirectory ?? workingDirectory);
  const kept = ['HOSTNAME', 'HOME', 'PATH'].map((name) => `"${name}=$${name}"`);
  const terminal: Record<string, string> = spec.terminal ? { TERM: spec.terminal.type } : {};
  const argv = spec.command.length > 0 ? spec.command : SHELL;
  const words = [
    ...kept,
    ...assignments({ ...env, ...spec.env, ...terminal }),
    ...argv.map(wordOf),
  ];
  // The size that is asked for from outside comes a moment later.
  const size = spec.terminal
    ? `stty cols ${spec.terminal.columns} rows ${spec.terminal.rows} 2>/dev/null; `
    : '';
  return `umask 0; ${size}cd ${directory} 2>/dev/null || { mkdir -p ${directory} && cd ${directory}; } || exit 126; exec env -i ${words.join(' ')}`;
}

class AttachedExec implements Attached {
  readonly exited: Promise<number>;
  readonly #exec: Docker.Exec;
  readonly #socket: Duplex;

  constructor(exec: Docker.Exec, parts: { readonly socket: Duplex; readonly spec: AttachSpec }) {
    this.#exec = exec;
    this.#socket = parts.socket;
    this.exited = this.#follow(parts.spec);
    this.exited.catch(() => undefined);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      // A command that has ended wants no more.
      this.#socket.write(bytes, () => resolve());
    });
  }

  end(): void {
    this.#socket.end();
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    // One that has ended has no size.
    await this.#exec.resize({ w: columns, h: rows }).catch(() => undefined);
  }

  async #follow({ terminal, onOutput }: AttachSpec): Promise<number> {
    const frames = new FrameReader();
    this.#socket.on('error', () => undefined);
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        if (terminal) {
          await onOutput(chunk, 'stdout');
          continue;
        }
        for (const { stream, payload } of frames.read(chunk)) {
          await onOutput(payload, stream);
        }
      }
    } catch (error) {
      if (error instanceof EngineError) {
        throw error;
      }
      // A connection that breaks off: whether the command has ended is asked below.
    }
    const state = await this.#exec.inspect().catch((error: unknown) => {
      throw dockerError(error, 'follow a command');
    });
    if (state.Running || state.ExitCode === null) {
      throw new EngineError(
        'unavailable',
        'Cannot follow the command: its container was stopped, or the connection to Docker broke off; start again',
      );
    }
    return state.ExitCode;
  }
}
