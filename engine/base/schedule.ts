// Times that come again and again, as cron writes them, in UTC. Knows text and milliseconds, never a clock.

import { Cron } from 'croner';
import { parseDuration } from './duration.ts';
import { EngineError, errorText } from './errors.ts';

/** Times without an end, or none at all. */
export interface Schedule {
  /** Returns the first of its times after `time`, both in milliseconds since the Unix epoch; undefined for never. */
  next(time: number): number | undefined;
}

const SHORTEST_MS = 1000;
const MAX_LENGTH = 200;
const NICKNAMES = ['yearly', 'annually', 'monthly', 'weekly', 'daily', 'midnight', 'hourly'];
const REMEDY =
  'write five fields (minute, hour, day of month, month, day of week), as in "0 4 * * 1-5", or @every 90s, @hourly, @daily, @weekly, @monthly, @yearly or @never';

const known = new Map<string, Schedule>();
const MAX_KNOWN = 10_000;

/**
 * Reads five fields of cron (lists, ranges, steps, names of months and days, `L` and `#`), `@hourly`, `@daily`,
 * `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`, `@every <duration>` of a second or more, or `@never`. A day
 * matches when the day of the month or that of the week does, where both are given. Throws `invalid` with a sentence that
 * says what would be right.
 */
export function parseSchedule(text: string): Schedule {
  const trimmed = text.trim();
  let schedule = known.get(trimmed);
  if (schedule === undefined) {
    schedule = read(trimmed);
    if (known.size >= MAX_KNOWN) {
      known.clear();
    }
    known.set(trimmed, schedule);
  }
  return schedule;
}

function read(text: string): Schedule {
  if (text === '@never') {
    return { next: () => undefined };
  }
  const [, every] = /^@every\s+(.*)$/.exec(text) ?? [];
  if (every !== undefined) {
    return readEvery(text, every);
  }
  const isNickname = text.startsWith('@');
  const fields = text.split(/\s+/);
  if (isNickname && !NICKNAMES.includes(text.slice(1).toLowerCase())) {
    throw wrong(text, 'there is no such name');
  }
  if (!isNickname && (fields.length !== 5 || text.length > MAX_LENGTH)) {
    throw wrong(text, `it has ${text === '' ? 0 : fields.length} fields`);
  }
  return readFields(text);
}

function readEvery(text: string, every: string): Schedule {
  const ms = parseDuration(every);
  if (ms === undefined || ms < SHORTEST_MS) {
    throw wrong(text, ms === undefined ? `"${every}" is no duration` : 'it is under a second');
  }
  return { next: (time) => Math.round(time + ms) };
}

function readFields(text: string): Schedule {
  let cron: Cron;
  try {
    cron = new Cron(text, { timezone: 'UTC', paused: true, mode: '5-part' });
  } catch (error) {
    throw wrong(text, errorText(error).replace(/^Cron\w*: /, ''));
  }
  const next = (time: number) => cron.nextRun(new Date(time))?.getTime();
  // A day that no year has: nothing would ever happen, and nobody would be told.
  if (next(0) === undefined) {
    throw wrong(text, 'its time never comes');
  }
  return { next };
}

function wrong(text: string, problem: string): EngineError {
  const shown = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  return new EngineError('invalid', `Cannot use the schedule "${shown}": ${problem}; ${REMEDY}`);
}
