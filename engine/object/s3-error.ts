// Turns what an S3 server, or the network before it, answers into the errors of the port, without any secret.

import { EngineError, type ErrorCode, errorText, systemCode } from '../base/errors.ts';

/** Where a request went, for messages, and what must never be part of one. */
export interface S3Place {
  readonly bucket: string;
  readonly endpoint: string;
  readonly secrets: readonly string[];
}

export interface S3Failure {
  /** Begins the sentence: `Cannot write object "x" of s3://y`. */
  readonly what: string;
  /** The status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  readonly place: S3Place;
}

type Known = readonly [code: ErrorCode, state: (place: S3Place) => string];

const DENIED: Known = [
  'failed_precondition',
  ({ bucket, endpoint }) =>
    `access to bucket "${bucket}" at ${endpoint} is denied; the access key must be allowed to list, read, write and delete there`,
];
const WRONG_KEY: Known = [
  'failed_precondition',
  ({ endpoint }) =>
    `${endpoint} does not accept the credentials; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN`,
];
const WRONG_REGION: Known = [
  'failed_precondition',
  ({ bucket, endpoint }) =>
    `bucket "${bucket}" is not in this region of ${endpoint}; add ?region=… to the store URL`,
];
const FULL: Known = [
  'resource_exhausted',
  ({ bucket, endpoint }) =>
    `bucket "${bucket}" at ${endpoint} is full or its quota is used up; free some space, then try again`,
];
const UNABLE: Known = [
  'failed_precondition',
  ({ endpoint }) =>
    `${endpoint} does not support this request; use a server with conditional writes`,
];

const KNOWN: Readonly<Record<string, Known>> = {
  NoSuchBucket: [
    'failed_precondition',
    ({ bucket, endpoint }) =>
      `bucket "${bucket}" does not exist at ${endpoint}; create it, or correct the store URL`,
  ],
  RequestTimeTooSkewed: [
    'failed_precondition',
    ({ endpoint }) => `the clocks of this machine and of ${endpoint} differ too much; set them`,
  ],
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  AccountProblem: DENIED,
  InvalidAccessKeyId: WRONG_KEY,
  SignatureDoesNotMatch: WRONG_KEY,
  ExpiredToken: WRONG_KEY,
  InvalidToken: WRONG_KEY,
  InvalidTokenId: WRONG_KEY,
  AuthorizationHeaderMalformed: WRONG_REGION,
  MovedPermanently: WRONG_REGION,
  PermanentRedirect: WRONG_REGION,
  TemporaryRedirect: WRONG_REGION,
  XMinioStorageFull: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
  QuotaExceeded: FULL,
  InsufficientStorage: FULL,
  NotImplemented: UNABLE,
  MethodNotAllowed: UNABLE,
};

/** Answers that say "try again", whatever their status. */
const TRANSIENT = new Set([
  'OperationAborted',
  'ConditionalRequestConflict',
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
]);
const TRANSIENT_STATUSES = new Set([408, 409, 429]);
const CERTIFICATE_PATTERN = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/;

/** Returns the code an S3 server gave an error (`NoSuchKey`, `PreconditionFailed`, …), or undefined. */
export function s3Code(error: unknown): string | undefined {
  const { code, Code } = Object(error) as { code?: unknown; Code?: unknown };
  const value = code ?? Code;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Returns the error of the port for a failed request. Never `not_found`: that is for the store to decide. */
export function s3Error(error: unknown, failure: S3Failure): EngineError {
  if (error instanceof EngineError) {
    return error;
  }
  const { what, status, place } = failure;
  const code = s3Code(error);
  const details = { bucket: place.bucket, endpoint: place.endpoint };
  // The client hangs the server's whole answer on its errors, access key and string to sign included.
  const text = redact(errorText(error) || String(code ?? ''), place.secrets);
  const cause = new Error(code === undefined ? text : `${code}: ${text}`);
  const fail = (kind: ErrorCode, state: string) =>
    new EngineError(kind, `${what}: ${state}`, {
      cause,
      details: status === undefined ? details : { ...details, status },
    });

  const known = status === 507 ? FULL : KNOWN[code ?? ''];
  if (known !== undefined) {
    return fail(known[0], known[1](place));
  }
  if (status === undefined) {
    return noAnswer(error, { place, text, fail });
  }
  if (TRANSIENT.has(code ?? '') || TRANSIENT_STATUSES.has(status) || status >= 500) {
    return fail('unavailable', `${place.endpoint} answered ${status}; it may work again soon`);
  }
  if (status >= 400 && code === undefined) {
    return fail(
      'failed_precondition',
      `${place.endpoint} answered ${status}, but not as an S3 server does; check the endpoint in the store URL`,
    );
  }
  if (status >= 300) {
    return fail('failed_precondition', `${place.endpoint} answered ${status} ${cause.message}`);
  }
  return fail('unavailable', `the answer of ${place.endpoint} broke off or was damaged: ${text}`);
}

function noAnswer(
  error: unknown,
  context: { place: S3Place; text: string; fail: (kind: ErrorCode, state: string) => EngineError },
): EngineError {
  const { place, text, fail } = context;
  const system = systemCode(error) ?? '';
  if (CERTIFICATE_PATTERN.test(system)) {
    return fail(
      'failed_precondition',
      `the certificate of ${place.endpoint} is not trusted (${system}); name its authority in NODE_EXTRA_CA_CERTS`,
    );
  }
  if (system === 'ECONNREFUSED') {
    return fail('unavailable', `nothing listens at ${place.endpoint}; is the server running?`);
  }
  if (system === 'ENOTFOUND' || system === 'EAI_AGAIN') {
    return fail('unavailable', `the host of ${place.endpoint} is not known; check the store URL`);
  }
  return fail('unavailable', `no answer from ${place.endpoint}: ${text || system}`);
}

function redact(text: string, secrets: readonly string[]): string {
  let result = text;
  for (const secret of secrets) {
    if (secret !== '') {
      result = result.replaceAll(secret, '***');
    }
  }
  return result;
}
