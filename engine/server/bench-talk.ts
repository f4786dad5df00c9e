// The engine's side of a session: messages that leave as they come up, no faster than the client takes them.

import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { toProblem } from './problem.ts';
import { encodeMessage } from './session-messages.ts';
import { type BenchEnd, SESSION_TYPE, TOLD } from './wire-workbench.ts';

const KEEP_ALIVE_MS = 15_000;

/** What one client is told. */
export class BenchTalk {
  readonly reply: FastifyReply;
  readonly #stream = new PassThrough({ highWaterMark: 256 * 1024 });
  readonly #gone = new AbortController();

  constructor(reply: FastifyReply) {
    reply.raw.on('close', () => {
      this.#gone.abort();
      this.#stream.destroy();
    });
    this.reply = reply.type(SESSION_TYPE);
    // The headers leave with the first byte.
    this.tell(TOLD.alive);
    void this.reply.send(this.#stream);
  }

  /** Aborts when the client is gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Sends a message that is short. */
  tell(kind: number, data: string | object = ''): void {
    if (!this.#stream.destroyed) {
      this.#stream.write(encodeMessage(kind, data));
    }
  }

  /** Sends bytes; resolves when more may be sent. */
  async send(kind: number, data: Uint8Array): Promise<void> {
    if (this.#stream.destroyed || this.#stream.write(encodeMessage(kind, data))) {
      return;
    }
    await new Promise<void>((resolve) => {
      this.#stream.once('drain', resolve);
      this.#stream.once('close', resolve);
    });
  }

  /** Tells how `work` ends. Never rejects. */
  async run(work: () => Promise<BenchEnd>): Promise<void> {
    const alive = setInterval(() => this.tell(TOLD.alive), KEEP_ALIVE_MS);
    try {
      this.tell(TOLD.end, await work());
    } catch (error) {
      this.tell(TOLD.problem, toProblem(error));
    } finally {
      clearInterval(alive);
      this.#stream.end();
    }
  }
}
