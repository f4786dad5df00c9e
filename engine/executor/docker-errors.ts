// What goes wrong between us and a Docker engine, in sentences for the person who can mend it.

import { EngineError, errorText, isEngineError, systemCode } from '../base/errors.ts';
import type { DockerEndpoint } from './docker-config.ts';

const UNREACHABLE = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Returns the HTTP status with which the Docker engine answered, or undefined where it did not answer. */
export function dockerStatus(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** Returns what the Docker engine said, without the frame that the client puts around it. */
export function dockerMessage(error: unknown): string {
  const message = (error as { json?: { message?: unknown } } | null)?.json?.message;
  return (typeof message === 'string' ? message : errorText(error)).trim();
}

/**
 * Returns `error` as an {@link EngineError} about `what` ("start worker \"x\""). Where the engine could not be reached
 * the message names the remedy.
 */
export function dockerError(
  error: unknown,
  what: string,
  options: { endpoint?: DockerEndpoint } = {},
): EngineError {
  if (isEngineError(error)) {
    return error;
  }
  const host = options.endpoint?.host ?? 'its address';
  const code = systemCode(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new EngineError(
      'failed_precondition',
      `Cannot ${what}: this user may not use the Docker socket ${host}; add the user to the group "docker" (sudo usermod -aG docker $USER) and log in again`,
      { cause: error },
    );
  }
  const status = dockerStatus(error);
  if (status === undefined) {
    const remedy = remedyFor(code, host);
    return new EngineError('unavailable', `Cannot ${what}: ${remedy}`, { cause: error });
  }
  const message = dockerMessage(error);
  const [, kind, name] = /unable to find (user|group) ([^:\s]+)/.exec(message) ?? [];
  if (name !== undefined) {
    return new EngineError(
      'failed_precondition',
      `Cannot ${what}: the image has no ${kind} "${name}"; name one that it has in transform.user, or a number as in "1000:1000"`,
      { cause: error },
    );
  }
  if (status === 404) {
    return new EngineError('not_found', `Cannot ${what}: ${message}`, { cause: error });
  }
  if (status === 400) {
    return new EngineError('invalid', `Cannot ${what}: ${message}`, { cause: error });
  }
  return new EngineError('unavailable', `Cannot ${what}: Docker answered ${status}, ${message}`, {
    cause: error,
  });
}

function remedyFor(code: string | undefined, host: string): string {
  if (code === 'ENOENT' && host.startsWith('unix:')) {
    return `there is no Docker socket at ${host}; install Docker (https://docs.docker.com/engine/install) or start it, or set DOCKER_HOST`;
  }
  if (code === 'ECONNREFUSED' && host.startsWith('unix:')) {
    return `nobody answers at ${host}; start Docker (sudo systemctl start docker, or Docker Desktop)`;
  }
  if (code !== undefined && UNREACHABLE.has(code)) {
    return `no Docker engine answers at ${host} (${code}); start it there, or correct DOCKER_HOST or the Docker context`;
  }
  return `the connection to Docker at ${host} failed; check that Docker is running there`;
}
