// Which format a bucket has. The first thing an engine reads, and the first thing it ever writes.

import { EngineError, isEngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { formatKey, journalKey, PROBE_PREFIX } from './keys.ts';
import type { ObjectStore } from './object-store.ts';

/** The format that this engine writes; it reads those before it as they are. */
export const FORMAT = 1;

export interface BucketFormat {
  readonly format: number;
  /** Tells this bucket from every other, wherever it is moved: 32 hex digits. */
  readonly id: string;
}

export interface OpenFormatOptions {
  /** Makes the id of a new bucket. */
  readonly newId: () => string;
  /** The newest format that is known; another one than this engine's for tests of engines to come. */
  readonly format?: number;
}

/**
 * Reads the format of a bucket, or makes an empty bucket ours. Rejects as {@link refuseForeign}.
 */
export async function openFormat(
  store: ObjectStore,
  options: OpenFormatOptions,
): Promise<BucketFormat> {
  const { format = FORMAT } = options;
  const present = await refuseForeign(store, format);
  if (present !== undefined) {
    return present;
  }
  const made: BucketFormat = { format, id: options.newId() };
  try {
    await store.put(formatKey(), newFormat(made.id, format), { ifAbsent: true });
    return made;
  } catch (error) {
    const won = isEngineError(error, 'already_exists')
      ? await readFormat(store, format)
      : undefined;
    if (won === undefined) {
      throw error;
    }
    return won;
  }
}

/** Returns the object that makes a bucket one of ours, of that id. */
export function newFormat(id: string, format = FORMAT): Buffer {
  return Buffer.from(`${JSON.stringify({ format, id })}\n`);
}

/**
 * Returns the format of a bucket that is ours, or undefined for an empty one, and writes nothing. Rejects with
 * `failed_precondition` when the format is newer than this engine, or when the bucket holds what is not ours; with
 * `corrupt` when the format cannot be read, or is missing where there is a journal.
 */
export async function refuseForeign(
  store: ObjectStore,
  format = FORMAT,
): Promise<BucketFormat | undefined> {
  const present = await readFormat(store, format);
  if (present !== undefined) {
    return present;
  }
  if (await isThere(store, journalKey(1))) {
    throw new EngineError(
      'corrupt',
      `Cannot open store ${store.url}: its object "${formatKey()}" is missing; run pfs fsck --fix`,
      { details: { key: formatKey() } },
    );
  }
  for await (const { key } of store.list('')) {
    // A probe that was killed before anything else was written may have left something.
    if (!key.startsWith(PROBE_PREFIX) && key !== formatKey()) {
      throw new EngineError(
        'failed_precondition',
        `Cannot open store ${store.url}: it is not empty, and what is in it ("${key}") is not of pfs; choose an empty directory or another prefix`,
        { details: { key } },
      );
    }
  }
  return undefined;
}

/** Reads the format of a bucket; undefined where it has none yet. Rejects as {@link openFormat} does. */
export async function readFormat(
  store: ObjectStore,
  known = FORMAT,
): Promise<BucketFormat | undefined> {
  let bytes: Buffer;
  try {
    bytes = await store.get(formatKey());
  } catch (error) {
    if (isEngineError(error, 'not_found')) {
      return undefined;
    }
    throw error;
  }
  return parseFormat(store.url, bytes.toString(), known);
}

async function isThere(store: ObjectStore, key: string): Promise<boolean> {
  try {
    await store.head(key);
    return true;
  } catch (error) {
    if (isEngineError(error, 'not_found')) {
      return false;
    }
    throw error;
  }
}

function parseFormat(url: string, text: string, known: number): BucketFormat {
  let value: { format?: unknown; id?: unknown };
  try {
    value = Object(JSON.parse(text));
  } catch (error) {
    throw damaged(url, error);
  }
  const { format, id } = value;
  if (typeof format === 'number' && format > known) {
    throw new EngineError(
      'failed_precondition',
      `Cannot open store ${url}: it has format ${format}, and this engine knows ${known}; install a newer pfs`,
      { details: { format } },
    );
  }
  if (!Number.isInteger(format) || Number(format) < 1 || typeof id !== 'string' || !isId(id)) {
    throw damaged(url);
  }
  return { format: Number(format), id };
}

function damaged(url: string, cause?: unknown): EngineError {
  return new EngineError(
    'corrupt',
    `Cannot open store ${url}: its object "${formatKey()}" is not what pfs writes; run pfs fsck --fix`,
    cause === undefined ? {} : { cause },
  );
}
