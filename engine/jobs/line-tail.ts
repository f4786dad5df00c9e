// The last lines of what a program printed, for the sentence that says why it failed.

import { LineSplitter } from './line-splitter.ts';

const MAX_LINES = 20;
const MAX_CHARACTERS = 4096;

/** Keeps the last 20 lines, and of those what fits 4 KiB. */
export class LineTail {
  readonly #splitter = new LineSplitter((line) => this.#add(line));
  #lines: string[] = [];

  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  /** Ends the last line and returns all that are kept. */
  end(): string[] {
    this.#splitter.end();
    const kept: string[] = [];
    let room = MAX_CHARACTERS;
    for (const line of this.#lines.reverse()) {
      const bytes = Buffer.byteLength(line);
      if (bytes > room) {
        if (kept.length === 0) {
          const start = Buffer.from(line).toString('utf8', 0, room - 3);
          kept.push(`${start.replace(/\ufffd+$/, '')}…`);
        }
        break;
      }
      room -= bytes;
      kept.push(line);
    }
    this.#lines = [];
    return kept.reverse();
  }

  #add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > MAX_LINES) {
      this.#lines.shift();
    }
  }
}
