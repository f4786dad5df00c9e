// Reading lines from where they are, a segment at a time.

import type { LogRecord } from './log-record.ts';

/** A way to read some lines: a segment of the store, or lines that wait in memory. */
export type LogSource = () => Promise<readonly LogRecord[]>;

/** Yields what is accepted of all sources, one of them in memory at a time. */
export async function* readAll(
  sources: readonly LogSource[],
  accepts: (record: LogRecord) => boolean,
): AsyncGenerator<LogRecord> {
  for (const source of sources) {
    for (const record of await source()) {
      if (accepts(record)) {
        yield record;
      }
    }
  }
}

/** Yields the last `tail` accepted records, reading from the end only as far as needed. */
export async function* readTail(
  sources: readonly LogSource[],
  options: { accepts: (record: LogRecord) => boolean; tail: number },
): AsyncGenerator<LogRecord> {
  const { accepts, tail } = options;
  const parts: LogRecord[][] = [];
  let count = 0;
  for (const source of [...sources].reverse()) {
    if (count >= tail) {
      break;
    }
    const accepted = (await source()).filter(accepts).slice(-(tail - count));
    parts.push(accepted);
    count += accepted.length;
  }
  for (const part of parts.reverse()) {
    yield* part;
  }
}
