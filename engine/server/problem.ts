// From errors to HTTP: the one table of status codes, and the problem details (RFC 9457) that clients get.

import { EngineError, type ErrorCode, isEngineError } from '../base/errors.ts';
import type { Problem } from './wire.ts';

const STATUS: Readonly<Record<ErrorCode, { status: number; title: string }>> = {
  not_found: { status: 404, title: 'Not found' },
  already_exists: { status: 409, title: 'Already exists' },
  conflict: { status: 409, title: 'Conflict' },
  invalid: { status: 400, title: 'Invalid request' },
  failed_precondition: { status: 412, title: 'Not possible now' },
  unauthenticated: { status: 401, title: 'Unauthenticated' },
  permission_denied: { status: 403, title: 'Not allowed' },
  rate_limited: { status: 429, title: 'Too many attempts' },
  unavailable: { status: 503, title: 'Unavailable' },
  resource_exhausted: { status: 507, title: 'Out of space' },
  cancelled: { status: 499, title: 'Cancelled' },
  corrupt: { status: 500, title: 'Damaged data' },
  internal: { status: 500, title: 'Internal error' },
};

/** Refusals of HTTP itself, whose code is `invalid` all the same. */
const OF_HTTP: Readonly<Record<number, string>> = {
  408: 'Too slow',
  413: 'Too large',
  414: 'Too long',
  415: 'Unknown media type',
  431: 'Too large',
};

/** Returns what a client is told of an error. What is not an error of ours shows no more than that it happened. */
export function toProblem(error: unknown): Problem {
  const known = isEngineError(error) ? error : fromHttp(error);
  const { statusCode } = isEngineError(error) ? {} : (error as { statusCode?: number });
  const ofHttp = OF_HTTP[statusCode ?? 0];
  const { status, title } =
    ofHttp === undefined ? STATUS[known.code] : { status: statusCode ?? 400, title: ofHttp };
  return {
    type: `/problems/${known.code}`,
    title,
    status,
    detail: known.message,
    code: known.code,
    ...(Object.keys(known.details).length > 0 ? { details: known.details } : {}),
  };
}

/** Returns whether an error is a fault of the engine, for the log, rather than of the request. */
export function isFault(error: unknown): boolean {
  return toProblem(error).status >= 500;
}

function fromHttp(error: unknown): EngineError {
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const what =
      statusCode === 413
        ? 'its body is too large for a document; files are sent as frames or bytes'
        : (message ?? 'it is malformed');
    return new EngineError('invalid', `Cannot read the request: ${what}`, { cause: error });
  }
  if ((error as { code?: string }).code === 'ECONNRESET') {
    return new EngineError('cancelled', 'Cannot go on: the client went away', { cause: error });
  }
  return new EngineError(
    'internal',
    'Cannot answer: the engine met an error it did not expect; pfs engine logs has the details',
    { cause: error },
  );
}
