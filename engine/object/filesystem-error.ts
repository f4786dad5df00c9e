// Turns what the operating system says of a file into the errors of the port. Never into `not_found`: whether a
// missing file means a missing object is for the store to decide.

import { EngineError, type ErrorCode, errorText, systemCode } from '../base/errors.ts';

const FULL = 'the disk is full or a quota is used up; free some space, then try again';
const READ_ONLY = 'the file system is read-only; mount it writable or choose another store';
const DENIED =
  'permission is denied; let the user that runs the engine read and write there, on a file system with hard links';
const FOREIGN =
  'a file stands where a directory belongs, or the other way round; somebody else wrote into the store';
const NO_LINKS =
  'the file system has no hard links, or spans two devices; put the store on one that has them';
const BUSY = 'the process has too many open files; raise the limit (ulimit -n)';

const KNOWN: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['resource_exhausted', FULL],
  EDQUOT: ['resource_exhausted', FULL],
  EFBIG: ['resource_exhausted', FULL],
  EROFS: ['failed_precondition', READ_ONLY],
  EACCES: ['failed_precondition', DENIED],
  EPERM: ['failed_precondition', DENIED],
  ENOTDIR: ['failed_precondition', FOREIGN],
  EISDIR: ['failed_precondition', FOREIGN],
  ELOOP: ['failed_precondition', FOREIGN],
  ENAMETOOLONG: ['failed_precondition', 'the path is too long; choose a shorter directory'],
  EXDEV: ['failed_precondition', NO_LINKS],
  ENOTSUP: ['failed_precondition', NO_LINKS],
  EOPNOTSUPP: ['failed_precondition', NO_LINKS],
  ENOSYS: ['failed_precondition', NO_LINKS],
  EMFILE: ['unavailable', BUSY],
  ENFILE: ['unavailable', BUSY],
};

/**
 * Returns the error for a failed system call. `what` begins the sentence: `Cannot write object "x" of file:///y`.
 * An `EngineError` is returned as it is.
 */
export function filesystemError(error: unknown, what: string): EngineError {
  if (error instanceof EngineError) {
    return error;
  }
  const system = systemCode(error);
  const [code, state] = KNOWN[system ?? ''] ?? [
    'unavailable',
    `${errorText(error)}; check the disk and its mount`,
  ];
  return new EngineError(code, `${what}: ${state}`, {
    cause: error,
    ...(system === undefined ? {} : { details: { system } }),
  });
}
