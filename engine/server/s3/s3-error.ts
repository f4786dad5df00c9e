// Errors in the words of S3: the codes that clients know, and how our own become them.

import { type ErrorCode, isEngineError } from '../../base/errors.ts';
import { toProblem } from '../problem.ts';
import { xml } from './xml.ts';

const STATUS = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  BadDigest: 400,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidPart: 400,
  InvalidPartNumber: 416,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  MalformedXML: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchKey: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchTagSet: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NoSuchWebsiteConfiguration: 404,
  NotImplemented: 501,
  NotModified: 304,
  ObjectLockConfigurationNotFoundError: 404,
  OperationAborted: 409,
  OwnershipControlsNotFoundError: 404,
  PreconditionFailed: 412,
  ReplicationConfigurationNotFoundError: 404,
  RequestTimeTooSkewed: 403,
  ServerSideEncryptionConfigurationNotFoundError: 404,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type S3Code = keyof typeof STATUS;

/** A refusal that a client of S3 understands. */
export class S3Error extends Error {
  readonly code: S3Code;

  constructor(code: S3Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

const CODES: Readonly<Record<ErrorCode, S3Code>> = {
  not_found: 'NoSuchKey',
  already_exists: 'OperationAborted',
  conflict: 'OperationAborted',
  invalid: 'InvalidArgument',
  failed_precondition: 'AccessDenied',
  unauthenticated: 'AccessDenied',
  permission_denied: 'AccessDenied',
  rate_limited: 'AccessDenied',
  unavailable: 'ServiceUnavailable',
  resource_exhausted: 'ServiceUnavailable',
  cancelled: 'IncompleteBody',
  corrupt: 'InternalError',
  internal: 'InternalError',
};

/** Returns what a client is told of an error. */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) {
    return error;
  }
  const code = isEngineError(error) ? CODES[error.code] : 'InternalError';
  return new S3Error(code, toProblem(error).detail, { cause: error });
}

/** Returns the document of an error. */
export function errorDocument(error: S3Error, resource: string, request: string): string {
  return xml('Error', {
    Code: error.code,
    Message: error.message,
    Resource: resource,
    RequestId: request,
  });
}
