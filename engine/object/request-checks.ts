// What every store checks of a request before it touches anything, and the answers that all stores word alike.

import { EngineError } from '../base/errors.ts';
import { MAX_OBJECT_BYTES } from '../base/limits.ts';
import type { ByteRange } from './object-store.ts';

const KEY_PATTERN = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;
const PREFIX_PATTERN = /^(?:[a-z0-9][a-z0-9._-]*\/)*(?:[a-z0-9][a-z0-9._-]*)?$/;
const MAX_KEY_LENGTH = 512;

/** Rejects with `invalid` what is not a key: the form is given at `ObjectStore`. */
export function checkKey(key: string): void {
  if (key.length > MAX_KEY_LENGTH || !KEY_PATTERN.test(key)) {
    throw new EngineError(
      'invalid',
      `Cannot use key ${JSON.stringify(key.slice(0, MAX_KEY_LENGTH))}: it is not of the form that keys.ts makes`,
    );
  }
}

/** Rejects with `invalid` what no key can start with. The empty prefix is one. */
export function checkPrefix(prefix: string): void {
  if (!PREFIX_PATTERN.test(prefix)) {
    throw new EngineError(
      'invalid',
      `Cannot list ${JSON.stringify(prefix.slice(0, MAX_KEY_LENGTH))}: no key starts like that`,
    );
  }
}

/** Rejects with `invalid` a range whose ends are not whole numbers in order. */
export function checkRange(range: ByteRange): void {
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new EngineError('invalid', `Cannot read bytes ${start} to ${end}: that is no range`);
  }
}

/** Rejects with `cancelled` when the caller has given up already. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new EngineError(
      'cancelled',
      'Cannot go on with an object: the work was cancelled',
      signal.reason === undefined ? {} : { cause: signal.reason },
    );
  }
}

/** Returns the pieces to write, without empty ones, and their size. Rejects more than 64 MiB with `invalid`. */
export function checkBytes(bytes: Uint8Array | readonly Uint8Array[]): {
  pieces: readonly Uint8Array[];
  size: number;
} {
  const all = bytes instanceof Uint8Array ? [bytes] : bytes;
  let size = 0;
  for (const piece of all) {
    size += piece.length;
  }
  if (size > MAX_OBJECT_BYTES) {
    throw new EngineError(
      'invalid',
      `Cannot write an object of ${size} bytes: no object is larger than ${MAX_OBJECT_BYTES}; divide it`,
    );
  }
  return { pieces: all.every((piece) => piece.length > 0) ? all : all.filter(isFilled), size };
}

function isFilled(piece: Uint8Array): boolean {
  return piece.length > 0;
}

/** Returns whether `stored` is the concatenation of `pieces`. */
export function equalsPieces(stored: Uint8Array, pieces: readonly Uint8Array[]): boolean {
  let offset = 0;
  for (const piece of pieces) {
    const part = stored.subarray(offset, offset + piece.length);
    if (Buffer.compare(part, piece) !== 0) {
      return false;
    }
    offset += piece.length;
  }
  return offset === stored.length;
}

/** The answer for a key that has no object. */
export function absentError(key: string, url: string, cause?: unknown): EngineError {
  return new EngineError('not_found', `Cannot read object "${key}" of ${url}: it does not exist`, {
    details: { key },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The answer for a put-if-absent that another writer has won. */
export function takenError(key: string, url: string, cause?: unknown): EngineError {
  return new EngineError(
    'already_exists',
    `Cannot write object "${key}" of ${url}: another writer was first`,
    { details: { key }, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The answer for a range that reaches beyond the object. */
export function beyondError(
  key: string,
  url: string,
  range: ByteRange,
  options: { size?: number; cause?: unknown } = {},
): EngineError {
  const { size, cause } = options;
  const held = size === undefined ? 'it is shorter' : `it has ${size}`;
  return new EngineError(
    'corrupt',
    `Cannot read bytes ${range.start} to ${range.end} of object "${key}" of ${url}: ${held}; run pfs fsck`,
    { details: { key }, ...(cause === undefined ? {} : { cause }) },
  );
}
