// How numbers, times and names look to a person.

import type { CommitLink, DatumCounts, Image } from '../engine/server/wire.ts';
import { showName } from './refs.ts';

/** Returns a size in bytes as `0 B`, `4.0 KiB`, `1.3 GiB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** Returns milliseconds as `320 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) {
    return `${Math.max(0, Math.round(ms))} ms`;
  }
  const seconds = ms / 1000;
  if (seconds < 59.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  const units: readonly [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  const [size = 1, name = 's'] = units[first] ?? [];
  const [nextSize = 1, nextName = ''] = units[first + 1] ?? [];
  const rest = Math.floor((whole % size) / nextSize);
  return `${Math.floor(whole / size)} ${name}${rest > 0 && nextName ? ` ${rest} ${nextName}` : ''}`;
}

/** How times are written: relative to `now` (milliseconds since the epoch), or in full. */
export interface TimeStyle {
  readonly now: number;
  readonly full: boolean;
}

/** Returns an ISO time as `3 minutes ago`, or as a local date with its offset; `-` for none. */
export function formatTime(iso: string | null, style: TimeStyle): string {
  if (iso === null) {
    return '-';
  }
  const time = Date.parse(iso);
  if (style.full) {
    return formatLocal(time);
  }
  const seconds = Math.round((style.now - time) / 1000);
  if (seconds < 5) {
    return seconds < -60 ? formatLocal(time) : 'just now';
  }
  const units: readonly [number, string][] = [
    [365 * 86_400, 'year'],
    [30 * 86_400, 'month'],
    [7 * 86_400, 'week'],
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  const [size, name] = units.find(([unit]) => seconds >= unit) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'} ago`;
}

/** Returns a time in milliseconds as `2026-11-22 20:08:55 +01:00`, in the local zone. */
export function formatLocal(time: number): string {
  const offset = -new Date(time).getTimezoneOffset();
  const local = new Date(time + offset * 60_000).toISOString();
  const sign = offset < 0 ? '-' : '+';
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0');
  const minutes = String(Math.abs(offset) % 60).padStart(2, '0');
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${sign}${hours}:${minutes}`;
}

/** Returns the time between two ISO times, the second being now where it is null; `-` where the first is null. */
export function formatSpan(from: string | null, to: string | null, now: number): string {
  return from === null
    ? '-'
    : formatDuration((to === null ? now : Date.parse(to)) - Date.parse(from));
}

/** Returns `processed + skipped / total`, with recovered and failed datums where there are any. */
export function formatProgress(datums: DatumCounts): string {
  const recovered = datums.recovered > 0 ? ` + ${datums.recovered} recovered` : '';
  const failed = datums.failed > 0 ? `, ${datums.failed} failed` : '';
  return `${datums.processed} + ${datums.skipped}${recovered} / ${datums.total}${failed}`;
}

/** Returns an image as its name and the first digits of its digest. */
export function formatImage(image: Image | null): string {
  return image ? `${image.reference} (${shortDigest(image.digest)})` : '-';
}

/** Returns `sha256:` and the first 12 digits of a digest. */
export function shortDigest(digest: string): string {
  const at = digest.lastIndexOf('sha256:');
  return at < 0 ? digest.slice(0, 19) : digest.slice(at, at + 'sha256:'.length + 12);
}

/** Returns a commit as `repo@branch=id`. */
export function formatLink(link: CommitLink): string {
  if (link.repo.name === '') {
    return `(not readable)=${link.commit}`;
  }
  return `${showName(link.repo)}@${link.name}=${link.commit}`;
}
