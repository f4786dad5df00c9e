// What may be the name of an output, and the words for one that can't be stored.

import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { MAX_PATH_BYTES } from '../base/limits.ts';
import { checkName } from '../git/names.ts';

/** Throws the refusal of a path, in names below `/pfs/out`, whose last name can't be stored. */
export function checkOutputName(path: readonly string[]): void {
  const name = path.at(-1) ?? '';
  try {
    checkName(name);
  } catch (error) {
    if (!isEngineError(error, 'invalid')) {
      throw error;
    }
    throw refusal(path, errorText(error), error);
  }
  if (path.length > 1 && Buffer.byteLength(path.join('/')) > MAX_PATH_BYTES) {
    throw refusal(path, `its path is longer than ${MAX_PATH_BYTES} bytes`);
  }
}

/** Throws the refusal of the first of these names in the directory `path` that is not UTF-8. */
export function refuseOtherEncodings(path: readonly string[], names: readonly Buffer[]): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (const name of names) {
    try {
      decoder.decode(name);
    } catch (error) {
      const shown = JSON.stringify(name.toString('latin1'));
      throw refusal([...path, name.toString()], `its name, bytes ${shown}, is not UTF-8`, error);
    }
  }
}

/** The error for an output that can't be stored. */
export function refusal(path: readonly string[], reason: string, cause?: unknown): EngineError {
  const whole = `/pfs/out/${path.join('/')}`;
  const shown = whole.length > 300 ? `${whole.slice(0, 300)}…` : whole;
  return new EngineError('invalid', `Cannot store output "${shown}": ${reason}`, {
    details: { path: shown },
    ...(cause === undefined ? {} : { cause }),
  });
}
