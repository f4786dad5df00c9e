// The streams of a process as the one two-way stream that the Docker API gives of a container.

import type { ChildProcess } from 'node:child_process';
import { Duplex, type Readable } from 'node:stream';

const STDOUT = 1;
const STDERR = 2;
const HEADER_BYTES = 8;

/** Bytes in go to standard input; bytes out are frames of both outputs, or standard output as it is where `raw`. */
export class HostStream extends Duplex {
  readonly #raw: boolean;
  #child: ChildProcess | undefined;
  #waiting: (() => void) | undefined;
  #open = 0;

  constructor(options: { readonly raw: boolean }) {
    super();
    this.#raw = options.raw;
  }

  /** Connects it with a process that has begun. */
  follow(child: ChildProcess): void {
    this.#child = child;
    child.stdin?.on('error', () => undefined);
    this.#take(child.stdout, STDOUT);
    this.#take(child.stderr, STDERR);
    child.once('error', () => this.push(null));
    this.#waiting?.();
  }

  override _read(): void {
    this.#child?.stdout?.resume();
    this.#child?.stderr?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#whenBegun(() => {
      const { stdin } = this.#child ?? {};
      if (!stdin || stdin.destroyed) {
        done();
        return;
      }
      stdin.write(chunk, () => done());
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenBegun(() => {
      this.#child?.stdin?.end();
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child?.stdin?.destroy();
    // Nobody reads on, and nobody who prints should wait for that.
    this.#child?.stdout?.resume();
    this.#child?.stderr?.resume();
    done(error);
  }

  #whenBegun(action: () => void): void {
    if (this.#child) {
      action();
    } else {
      this.#waiting = action;
    }
  }

  #take(stream: Readable | null, number: number): void {
    if (!stream) {
      return;
    }
    this.#open += 1;
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      if (this.destroyed) {
        return;
      }
      if (!this.push(this.#raw ? chunk : frame(chunk, number))) {
        stream.pause();
      }
    });
    stream.once('close', () => {
      this.#open -= 1;
      if (this.#open === 0 && !this.destroyed) {
        this.push(null);
      }
    });
  }
}

function frame(payload: Buffer, number: number): Buffer {
  const framed = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  framed.fill(0, 0, HEADER_BYTES);
  framed[0] = number;
  framed.writeUInt32BE(payload.length, 4);
  payload.copy(framed, HEADER_BYTES);
  return framed;
}
