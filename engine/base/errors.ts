// The one error class of the engine. Whatever reaches a user was raised, or wrapped, as one of these.

/**
 * What kind of failure an error is. A kind exists only where a caller acts differently on it;
 * the message, not the code, says what happened.
 */
export type ErrorCode =
  | 'not_found'
  | 'already_exists'
  | 'conflict'
  | 'invalid'
  | 'failed_precondition'
  | 'unauthenticated'
  | 'permission_denied'
  | 'rate_limited'
  | 'unavailable'
  | 'resource_exhausted'
  | 'cancelled'
  | 'corrupt'
  | 'internal';

/** Facts about an error that a program may want: the file, line and field of a bad spec, a key, a path. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/**
 * An error written for the person who meets it: what failed, on what, and what to do.
 * Messages follow `Cannot <verb> <thing> "<name>": <state>`.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Returns whether `error` is an {@link EngineError}, of the given code where one is named. */
export function isEngineError(error: unknown, code?: ErrorCode): error is EngineError {
  return error instanceof EngineError && (code === undefined || error.code === code);
}

/** Returns the text of any thrown value, for the end of a message of ours. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the system error code (`ENOENT`, `ENOSPC`, …) of a thrown value, or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
