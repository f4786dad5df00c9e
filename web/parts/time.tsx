// Times and spans as people say them.

import { signal } from '@preact/signals';
import type { JSX } from 'preact';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The time, as often as it matters to what is shown. */
const now = signal(Date.now());
const often = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 10 * SECOND);
setInterval(() => {
  often.value = Date.now();
}, SECOND);

/** How long ago something was; the time itself on pointing at it. */
export function Ago({ at }: { readonly at: string | null }): JSX.Element | null {
  if (at === null) {
    return null;
  }
  const time = new Date(at);
  return (
    <time dateTime={at} title={exactTime(at)}>
      {agoText(now.value - time.getTime(), time)}
    </time>
  );
}

/** Returns the time to the second, in the time zone of the reader. */
export function exactTime(at: string): string {
  const time = new Date(at);
  const pad = (value: number) => String(value).padStart(2, '0');
  const date = [time.getFullYear(), pad(time.getMonth() + 1), pad(time.getDate())].join('-');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(':');
  return `${date} ${clock}`;
}

/** How long something took, or has taken so far. */
export function Span({
  from,
  to,
}: {
  readonly from: string | null;
  readonly to: string | null;
}): JSX.Element | null {
  if (from === null) {
    return null;
  }
  const end = to === null ? Math.max(often.value, Date.now()) : Date.parse(to);
  return <span class="number">{spanText(end - Date.parse(from))}</span>;
}

/** Returns a span as `350 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min` or `3 d 4 h`. */
export function spanText(ms: number): string {
  if (ms < SECOND) {
    return `${Math.max(0, Math.round(ms))} ms`;
  }
  if (ms < 10 * SECOND) {
    return `${(ms / SECOND).toFixed(1)} s`;
  }
  if (ms < MINUTE) {
    return `${Math.round(ms / SECOND)} s`;
  }
  const pair = (large: number, small: number, names: readonly [string, string]) => {
    const rest = Math.floor((ms % large) / small);
    return `${Math.floor(ms / large)} ${names[0]}${rest === 0 ? '' : ` ${rest} ${names[1]}`}`;
  };
  return ms < HOUR
    ? pair(MINUTE, SECOND, ['min', 's'])
    : ms < DAY
      ? pair(HOUR, MINUTE, ['h', 'min'])
      : pair(DAY, HOUR, ['d', 'h']);
}

function agoText(ms: number, time: Date): string {
  if (ms < 10 * SECOND) {
    return 'just now';
  }
  if (ms < MINUTE) {
    return `${Math.round(ms / SECOND / 10) * 10} s ago`;
  }
  if (ms < HOUR) {
    return `${Math.floor(ms / MINUTE)} min ago`;
  }
  if (ms < DAY) {
    return `${Math.floor(ms / HOUR)} h ago`;
  }
  return ms < 14 * DAY
    ? `${Math.floor(ms / DAY)} d ago`
    : time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}
