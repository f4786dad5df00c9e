// What it means when a connection to the engine fails.

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

/** Returns whether a connection that stood was cut. */
export function isBroken(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (BROKEN.has(code) || code.startsWith('HPE_'));
}

/**
 * Turns a failed connection into a sentence; anything else stays as it is.
 * @param where.when what the engine was doing, as in `before it answered`.
 */
export function connectionError(
  error: unknown,
  { address, when, signal }: { address: string; when: string; signal?: AbortSignal },
): unknown {
  if (signal?.aborted) {
    return failure('interrupted', 'Interrupted', error);
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
    const state = silent ? 'nothing listens there' : `it failed with ${code}`;
    return failure(
      'unreachable',
      `Cannot reach the engine at ${address}: ${state}; start one with pfs engine start, or check PFS_ADDRESS`,
      error,
    );
  }
  return error;
}
