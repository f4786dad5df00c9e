// The error class of the command line: a sentence for the user and the code that decides how the process ends.

import type { Problem } from '../engine/server/wire.ts';

/** A failure to be shown as its message alone: one or two sentences with the remedy. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** The `code` of a problem from the engine, or `usage`, `unreachable`, `job_failed`, `interrupted`, `io`. */
  readonly code: string;
  /** How the process ends, where the code does not say: as a command that ran for the user has ended. */
  readonly exit: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { readonly cause?: unknown; readonly exit?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exit = options.exit;
  }
}

/** Returns an error that another one led to. */
export function failure(code: string, message: string, cause: unknown): CliError {
  return new CliError(code, message, { cause });
}

/** Returns the error for a command line that says something impossible. */
export function usageError(message: string): CliError {
  return new CliError('usage', message);
}

/** Returns the error that a problem document of the engine stands for. */
export function problemError(problem: Problem): CliError {
  return new CliError(problem.code, problem.detail || problem.title);
}

/**
 * Returns the error for a failed access to the user's own files.
 * @param action what was tried, as in `read "a.txt"`.
 */
export function fileError(action: string, cause: unknown): CliError {
  const code = (cause as { code?: unknown } | null)?.code;
  const reasons: Record<string, string> = {
    ENOENT: 'it does not exist; check the path',
    EACCES: 'permission is denied; check who may read and write it',
    EPERM: 'permission is denied; check who may read and write it',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of its path is not a directory',
    ENOSPC: 'the disk is full; make room and try again',
    EDQUOT: 'your disk quota is used up; make room and try again',
    EROFS: 'the file system is read-only',
    EMFILE: 'too many files are open',
    ENAMETOOLONG: 'the name is too long',
    ELOOP: 'its symbolic links go in a circle',
  };
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = (typeof code === 'string' ? reasons[code] : undefined) ?? text;
  const kind = code === 'ENOENT' ? 'not_found' : code === 'ENOSPC' ? 'resource_exhausted' : 'io';
  return new CliError(kind, `Cannot ${action}: ${reason}`, { cause });
}
