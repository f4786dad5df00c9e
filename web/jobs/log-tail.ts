// The last lines of a log, put together from several readings of it: none is there twice, and none is missing.

import type { LogLine } from '../../engine/server/wire.ts';

/** Lines of several datums come side by side, not in the order of their times: a reading begins so much before the last one. */
const OVERLAP_MS = 10_000;

/** So many of the last lines, in the order in which they came. */
export class LogTail {
  readonly #most: number;
  readonly #lines: LogLine[] = [];
  /** How often each line is known that a reading will bring once more. */
  #known = new Map<string, number>();
  /** How many lines have come, also those that are no more among the last. */
  count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get lines(): readonly LogLine[] {
    return [...this.#lines];
  }

  /** Begins another reading; returns the time from which it has to read, undefined for the first. */
  resume(): string | undefined {
    this.#known = new Map();
    if (this.#lines.length === 0) {
      return undefined;
    }
    const newest = Math.max(...this.#lines.map(({ time }) => Date.parse(time)));
    const since = newest - OVERLAP_MS;
    for (const line of this.#lines.filter(({ time }) => Date.parse(time) >= since)) {
      const key = keyOf(line);
      this.#known.set(key, (this.#known.get(key) ?? 0) + 1);
    }
    return new Date(since).toISOString();
  }

  /** Adds a line, unless an earlier reading brought it. */
  push(line: LogLine): void {
    const key = keyOf(line);
    const known = this.#known.get(key) ?? 0;
    if (known > 0) {
      this.#known.set(key, known - 1);
      return;
    }
    this.count += 1;
    this.#lines.push(line);
    if (this.#lines.length > this.#most) {
      this.#lines.shift();
    }
  }
}

function keyOf({ time, job, datum, message }: LogLine): string {
  return [time, job, datum, message].join('\n');
}
