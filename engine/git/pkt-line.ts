// The lines in which Git speaks over the network (gitprotocol-common): four hex digits of length, then that many bytes less
// four; the lengths 0, 1 and 2 are marks of their own.

import { EngineError } from '../base/errors.ts';

/** The most bytes that one line carries. */
export const MAX_PKT_BYTES = 65_516;

export const FLUSH = Buffer.from('0000', 'latin1');
export const DELIMITER = Buffer.from('0001', 'latin1');

/** What a reader meets: a line's bytes, or a mark between lines. */
export type Packet = Buffer | 'flush' | 'delimiter' | 'end';

const MARKS: readonly Packet[] = ['flush', 'delimiter', 'end'];
const LENGTH = /^[0-9a-f]{4}$/i;

/** Returns a line of text or bytes, which must fit. Text gets the line break that Git expects. */
export function pkt(content: string | Uint8Array): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(`${content}\n`) : content;
  return Buffer.concat([Buffer.from(lengthOf(bytes.length), 'latin1'), bytes]);
}

/** Returns the four digits that begin a line of so many bytes. */
export function lengthOf(bytes: number): string {
  if (bytes > MAX_PKT_BYTES) {
    throw new EngineError('internal', `Cannot send a line of ${bytes} bytes to Git`);
  }
  return (bytes + 4).toString(16).padStart(4, '0');
}

/** Returns the text of a line, without the line break. */
export function textOf(packet: Buffer): string {
  return packet.toString('utf8').replace(/\n$/, '');
}

/** Reads lines off a stream, and then what follows them. Holds little more than a line. */
export class PktReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Returns the next line or mark; undefined at the end. Rejects with `invalid` what is cut off, or no line. */
  async next(): Promise<Packet | undefined> {
    const head = await this.#take(4);
    if (head.length === 0) {
      return undefined;
    }
    const text = head.toString('latin1');
    const length = Number.parseInt(text, 16);
    if (!LENGTH.test(text) || length === 3 || length > MAX_PKT_BYTES + 4) {
      throw malformed(`"${text}" is no length of a line`);
    }
    const mark = MARKS[length];
    if (mark !== undefined) {
      return mark;
    }
    const bytes = await this.#take(length - 4);
    if (bytes.length < length - 4) {
      throw malformed('it ends in the middle of a line');
    }
    return bytes;
  }

  /** Returns the lines up to the next mark, which is taken too. */
  async lines(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const packet = await this.next();
      if (!Buffer.isBuffer(packet)) {
        return lines;
      }
      lines.push(textOf(packet));
    }
  }

  /** Yields what follows the lines, as it is. */
  async *rest(): AsyncGenerator<Buffer> {
    if (this.#rest.length > 0) {
      yield this.#rest;
      this.#rest = Buffer.alloc(0);
    }
    for (let chunk = await this.#source.next(); !chunk.done; chunk = await this.#source.next()) {
      yield toBuffer(chunk.value);
    }
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#rest.length < count) {
      const chunk = await this.#source.next();
      if (chunk.done) {
        break;
      }
      this.#rest = Buffer.concat([this.#rest, toBuffer(chunk.value)]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function malformed(why: string): EngineError {
  return new EngineError('invalid', `Cannot read what Git sent: ${why}`);
}
