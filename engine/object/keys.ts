// The layout of the bucket. Every key is built here and nowhere else, from ids and numbers of ours, never from names
// that users choose.
//
//   format                               {"format":1,"id":…}: written once, first of all
//   journal/<seq>.json                   a group of transactions; <seq> in 20 digits; put if absent, never deleted
//   snapshots/<seq>/<name>               pages of the state after <seq>; all but a few may be deleted
//   history/<id>                         a sorted page of finished commits and jobs
//   packs/<aa>/<id>                      a pack: Git objects, or chunks of large files
//   packs/<aa>/<id>.index                what is where in that pack; can be made again from it
//   logs/<aa>/<job>/<n>                  a segment of what user code printed; <n> in 10 digits, from 0
//   engines/<id>                         the heartbeat of a running engine: the only key that is overwritten
//   probe/<id>/<name>                    what a probe of the store writes, and removes again
//
// <id> and <job> are ids of 32 hex digits; <aa> are their last two, which are random where the first ones are the
// time, so that no directory grows without bound.

import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';

/** Prefixes to list by. Each ends with a slash. */
export const JOURNAL_PREFIX = 'journal/';
export const SNAPSHOTS_PREFIX = 'snapshots/';
export const HISTORY_PREFIX = 'history/';
export const PACKS_PREFIX = 'packs/';
export const LOGS_PREFIX = 'logs/';
export const ENGINES_PREFIX = 'engines/';
export const PROBE_PREFIX = 'probe/';

const SEQUENCE_DIGITS = 20;
const SEGMENT_DIGITS = 10;
const INDEX_SUFFIX = '.index';
const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]*$/;
const JOURNAL_PATTERN = /^journal\/(\d{20})\.json$/;
const SNAPSHOT_PATTERN = /^snapshots\/(\d{20})\/([^/]+)$/;
const PACK_PATTERN = /^packs\/([0-9a-f]{2})\/([0-9a-f]{32})(\.index)?$/;
const CACHEABLE_PREFIXES = [SNAPSHOTS_PREFIX, HISTORY_PREFIX, PACKS_PREFIX];

/** The key that says which format the bucket has. */
export function formatKey(): string {
  return 'format';
}

/** The key of journal entry `seq`, a whole number. */
export function journalKey(seq: number): string {
  return `${JOURNAL_PREFIX}${digits(seq, SEQUENCE_DIGITS)}.json`;
}

/** Returns the number of the journal entry at `key`, or undefined when `key` is none. */
export function parseJournalKey(key: string): number | undefined {
  return parseNumber(JOURNAL_PATTERN.exec(key)?.[1]);
}

/** The key of one page of the snapshot after journal entry `seq`. */
export function snapshotKey(seq: number, name: string): string {
  if (!NAME_PATTERN.test(name)) {
    throw new EngineError('invalid', `Cannot name snapshot page "${name}": use a-z 0-9 . _ -`);
  }
  return `${snapshotPrefix(seq)}${name}`;
}

/** The prefix of all pages of the snapshot after journal entry `seq`. */
export function snapshotPrefix(seq: number): string {
  return `${SNAPSHOTS_PREFIX}${digits(seq, SEQUENCE_DIGITS)}/`;
}

/** Returns what `snapshotKey` made `key` of, or undefined when `key` is no page of a snapshot. */
export function parseSnapshotKey(key: string): { seq: number; name: string } | undefined {
  const match = SNAPSHOT_PATTERN.exec(key);
  const seq = parseNumber(match?.[1]);
  const name = match?.[2];
  return seq === undefined || name === undefined ? undefined : { seq, name };
}

/** The key of a page of history. */
export function historyKey(id: string): string {
  return `${HISTORY_PREFIX}${checkId(id)}`;
}

/** The key of a pack. */
export function packKey(id: string): string {
  return `${PACKS_PREFIX}${lastTwo(id)}/${id}`;
}

/** The key of the index of a pack. */
export function packIndexKey(id: string): string {
  return packKey(id) + INDEX_SUFFIX;
}

/** Returns the id of the pack that is, or whose index is, at `key`; undefined when `key` is neither. */
export function parsePackKey(key: string): { id: string; isIndex: boolean } | undefined {
  const match = PACK_PATTERN.exec(key);
  const id = match?.[2];
  if (id === undefined || match?.[1] !== id.slice(-2)) {
    return undefined;
  }
  return { id, isIndex: match[3] !== undefined };
}

/** The key of segment `n`, counted from 0, of the log of a job. */
export function logSegmentKey(job: string, n: number): string {
  return `${logPrefix(job)}${digits(n, SEGMENT_DIGITS)}`;
}

/** The prefix of all segments of the log of a job. They are listed in the order of their numbers. */
export function logPrefix(job: string): string {
  return `${LOGS_PREFIX}${lastTwo(job)}/${job}/`;
}

/** The key of the heartbeat of an engine. */
export function engineKey(id: string): string {
  return `${ENGINES_PREFIX}${checkId(id)}`;
}

/** The key of one object of a probe. */
export function probeKey(id: string, name: string): string {
  return `${probePrefix(id)}${name}`;
}

/** The prefix of all objects of one probe. */
export function probePrefix(id: string): string {
  return `${PROBE_PREFIX}${checkId(id)}/`;
}

/**
 * Returns whether what is at `key` never changes and, once deleted, never comes back as something else, so that a local
 * cache may keep it: pages of snapshots and history, packs and their indexes. Journal entries and manifests go by
 * numbers: a bucket that was restored from an older copy goes on with other ones under the same keys. Segments of logs
 * are written once too, but are seldom read twice.
 */
export function isCacheableKey(key: string): boolean {
  return (
    CACHEABLE_PREFIXES.some((prefix) => key.startsWith(prefix)) && !key.endsWith('/manifest.json')
  );
}

function digits(value: number, count: number): string {
  const text = String(value);
  if (!Number.isSafeInteger(value) || value < 0 || text.length > count) {
    throw new EngineError(
      'invalid',
      `Cannot make a key of the number ${value}: it is out of range`,
    );
  }
  return text.padStart(count, '0');
}

function parseNumber(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function checkId(id: string): string {
  if (!isId(id)) {
    throw new EngineError(
      'invalid',
      `Cannot make a key of "${id}": it is not an id of 32 hex digits`,
    );
  }
  return id;
}

function lastTwo(id: string): string {
  return checkId(id).slice(-2);
}
