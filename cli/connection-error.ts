// What it means when a connection to the engine fails.

import { CutOff } from '../client/json-lines.ts';
import { failure } from './cli-error.ts';

const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED']);
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EACCES',
]);

const STATES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'nothing listens there',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'its host is not known here',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  EACCES: 'permission is denied',
};

/** Returns whether a connection that stood was cut. */
export function isBroken(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (BROKEN.has(code) || code.startsWith('HPE_'));
}

/**
 * Turns a failed connection into a sentence; anything else stays as it is.
 * @param where.ofHome the home whose own engine it would be.
 * @param where.when what the engine was doing, as in `before it answered`.
 */
export function connectionError(
  error: unknown,
  {
    address,
    when,
    signal,
    ofHome,
  }: { address: string; when: string; signal?: AbortSignal; ofHome?: string },
): unknown {
  if (signal?.aborted) {
    return failure('interrupted', 'Interrupted', error);
  }
  if (error instanceof CutOff) {
    return failure('unreachable', error.message, error);
  }
  if (isBroken(error)) {
    return failure(
      'unreachable',
      `The engine at ${address} broke the connection ${when}; see why with pfs engine logs, and try again`,
      error,
    );
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && UNREACHABLE.has(code)) {
    const silent = code === 'ECONNREFUSED' || code === 'ENOENT';
    if (silent && ofHome) {
      return failure(
        'unreachable',
        `No engine is running on ${ofHome}; start it with pfs engine start`,
        error,
      );
    }
    const state = STATES[code] ?? `the connection failed with ${code}`;
    const remedy = silent ? 'start one there, or check PFS_ADDRESS' : 'check PFS_ADDRESS';
    return failure(
      'unreachable',
      `Cannot reach the engine at ${address}: ${state}; ${remedy}`,
      error,
    );
  }
  return error;
}
