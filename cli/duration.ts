// Spans of time as people write them: 24h, 30d, 90 min as 90m.

import { usageError } from './cli-error.ts';

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Reads a span of time, in milliseconds; throws a usage error that names the option. */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  if (text === '0') {
    return 0;
  }
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw usageError(
      `Option --${option} needs a span of time, a number and s, m, h, d or w, as in 24h; not "${text}"`,
    );
  }
  return Math.round(Number(match[1]) * unit);
}
