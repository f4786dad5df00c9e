// The two-way stream to a container's PID 1.

import type { Duplex } from 'node:stream';
import { FrameReader } from './frame-reader.ts';

const MAX_COMPLAINT = 1000;

/** Gets what a container prints. A promise it returns is awaited before more is read. */
export type OutputSink = (payload: Buffer) => void | Promise<void>;

/**
 * An attached container: lines go in, output comes out, always read and never faster than the sink takes it. `merged`
 * streams hand standard error to the sink too; otherwise its end is kept for {@link complaint}.
 */
export class AttachStream {
  /** Resolves when nothing more will come, whatever the cause. Never rejects. */
  readonly ended: Promise<void>;
  readonly #socket: Duplex;
  readonly #sink: OutputSink;
  readonly #merged: boolean;
  readonly #frames = new FrameReader();
  #complaint = '';

  constructor(socket: Duplex, sink: OutputSink, options: { merged?: boolean } = {}) {
    this.#socket = socket;
    this.#sink = sink;
    this.#merged = options.merged ?? false;
    this.ended = this.#pump();
  }

  /** The last that PID 1 itself complained about. */
  get complaint(): string {
    return this.#complaint.trim();
  }

  /** Sends bytes to standard input. A stream that has ended loses them; {@link ended} tells. */
  write(bytes: string): void {
    this.#socket.write(bytes);
  }

  /** Sends the last bytes and ends the standard input. */
  end(bytes: string): void {
    this.#socket.end(bytes);
  }

  /** Lets go of the container at once; its standard input ends. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #pump(): Promise<void> {
    // Destroying the socket, and a container that dies while we write to it, both end here.
    this.#socket.on('error', () => {});
    try {
      for await (const chunk of this.#socket) {
        for (const { stream, payload } of this.#frames.read(chunk as Buffer)) {
          if (stream === 'stdout' || this.#merged) {
            const pending = this.#sink(payload);
            if (pending) {
              await pending;
            }
          } else {
            this.#complaint = (this.#complaint + payload.toString()).slice(-MAX_COMPLAINT);
          }
        }
      }
    } catch (error) {
      this.#complaint ||= error instanceof Error ? error.message : String(error);
    }
  }
}
