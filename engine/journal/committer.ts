// Makes transactions durable: one entry at a time, put under the next number if nobody else took it.

import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { journalKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { hasRightSum } from './checksum.ts';

/** Waits between tries while the outcome of a put is unknown, in milliseconds. */
const FIRST_DELAY = 50;
const MAX_DELAY = 2000;

export interface PutEntryOptions {
  readonly clock: Clock;
  /** How long to go on asking what became of a put, in milliseconds. */
  readonly patienceMs: number;
}

/**
 * Puts an entry under its number and says whether it is there (true) or another one is (false). After an answer
 * that leaves the outcome open it puts the same bytes again until the number has an owner; when patience ends
 * before that the error is `unavailable`, and the entry may still appear. Every other error means that it won't.
 */
export async function putEntry(
  store: ObjectStore,
  entry: { readonly seq: number; readonly bytes: Buffer },
  options: PutEntryOptions,
): Promise<boolean> {
  const { clock, patienceMs } = options;
  const key = journalKey(entry.seq);
  const deadline = clock.monotonic() + patienceMs;
  let isUnknown = false;
  for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, MAX_DELAY)) {
    try {
      return await putOnce(store, { key, bytes: entry.bytes });
    } catch (error) {
      isUnknown ||= isEngineError(error, 'unavailable');
      if (!isUnknown) {
        throw error;
      }
      if (clock.monotonic() >= deadline) {
        throw outcomeUnknown(key, error);
      }
    }
    await clock.sleep(delay);
  }
}

async function putOnce(
  store: ObjectStore,
  entry: { readonly key: string; readonly bytes: Buffer },
): Promise<boolean> {
  try {
    await store.put(entry.key, entry.bytes, { ifAbsent: true });
    return true;
  } catch (error) {
    if (!isEngineError(error, 'already_exists')) {
      throw error;
    }
    // Lost, or ours from a try whose answer was lost.
    const found = await store.get(entry.key);
    if (!hasRightSum(found)) {
      throw damagedAnswer(entry.key, error);
    }
    return entry.bytes.equals(found);
  }
}

function damagedAnswer(key: string, cause: unknown): EngineError {
  return new EngineError('unavailable', `Cannot read "${key}": it came damaged`, { cause });
}

function outcomeUnknown(key: string, cause: unknown): EngineError {
  return new EngineError(
    'unavailable',
    `Cannot commit journal entry "${key}": outcome unknown (${errorText(cause)}); retry with the same request id`,
    { cause, details: { key } },
  );
}
