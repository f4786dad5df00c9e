// Reading lines from where they are, a segment at a time.

import type { LogRecord } from './log-record.ts';

/** A way to read some lines: a segment of the store, or lines that wait in memory. */
export type LogSource = () => Promise<readonly LogRecord[]>;

/** So many segments of the end of a log are kept while it is read. */
const HELD_SEGMENTS = 4;

type Accepts = (record: LogRecord) => boolean;

/** Yields what is accepted of all sources, but for the first `skip` of it; one source is in memory at a time. */
export async function* readAll(
  sources: readonly LogSource[],
  accepts: Accepts,
  skip = 0,
): AsyncGenerator<LogRecord> {
  let left = skip;
  for (const source of sources) {
    for (const record of await source()) {
      if (accepts(record)) {
        if (left > 0) {
          left -= 1;
        } else {
          yield record;
        }
      }
    }
  }
}

/**
 * Yields the last `tail` accepted records. Reads from the end as far as needed, and what is more than a few segments twice:
 * however many lines are wanted, memory does not grow.
 */
export async function* readTail(
  sources: readonly LogSource[],
  options: { readonly accepts: Accepts; readonly tail: number },
): AsyncGenerator<LogRecord> {
  const { accepts, tail } = options;
  const held = new Map<LogSource, readonly LogRecord[]>();
  const holding = sources.map((source) => async () => {
    const records = held.get(source) ?? (await source());
    if (held.size < HELD_SEGMENTS) {
      held.set(source, records);
    }
    return records;
  });
  const { count, from } = await countLast(holding, { accepts, most: tail });
  yield* readAll(holding.slice(from), accepts, Math.max(0, count - tail));
}

/** Counts accepted records from the end, source by source, until there are `most`; `from` is the first source that was read. */
export async function countLast(
  sources: readonly LogSource[],
  options: { readonly accepts: Accepts; readonly most: number },
): Promise<{ readonly count: number; readonly from: number }> {
  const { accepts, most } = options;
  let from = sources.length;
  let count = 0;
  while (from > 0 && count < most) {
    from -= 1;
    for (const record of (await sources[from]?.()) ?? []) {
      count += accepts(record) ? 1 : 0;
    }
  }
  return { count, from };
}
