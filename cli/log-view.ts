// How the engine's log looks to a person: when, how bad, what.

import { formatLocal } from './format.ts';

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
};
/** What the entry says beside its message, without what stands elsewhere in the line. */
const OMITTED = new Set(['level', 'time', 'msg', 'err']);

/** Yields the lines of a log, each as soon as it is whole. What is no entry, as a crash of Node itself, stays as it is. */
export async function* readableLog(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) {
      yield lines.map((line) => `${readable(line)}\n`).join('');
    }
  }
  if (rest !== '') {
    yield `${readable(rest)}\n`;
  }
}

function readable(line: string): string {
  let entry: Readonly<Record<string, unknown>>;
  try {
    entry = Object(JSON.parse(line)) as Readonly<Record<string, unknown>>;
  } catch {
    // Not of the logger.
    return line;
  }
  const { time, level, msg } = entry;
  if (typeof time !== 'number' || typeof msg !== 'string') {
    return line;
  }
  const more = Object.entries(entry)
    .filter(([name]) => !OMITTED.has(name))
    .map(
      ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
  const name = LEVELS[Number(level)] ?? String(level);
  return `${formatLocal(time)}  ${name.padEnd(7)}  ${msg}${more.join('')}`;
}
