// The conditions of requests (RFC 9110, 13): what must be there, or must not, for a read or a write to happen.

import type { Guard } from '../../pfs/commit-queue.ts';
import { findFile } from '../../pfs/files.ts';
import { mayBePart, namesTag, refusal, type Validators } from '../conditions.ts';
import type { S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';

/** What conditions for an object are compared with. */
interface Found {
  readonly etag: string;
  readonly modified: number;
}

/** Returns what refuses a read; undefined where it may happen. */
export function readRefusal(
  request: S3Request,
  found: Found,
): 'NotModified' | 'PreconditionFailed' | undefined {
  const refused = refusal((name) => request.header(name), validatorsOf(found));
  return refused && (refused === 'failed' ? 'PreconditionFailed' : 'NotModified');
}

/** Returns whether a part may be sent of what the client has the rest of. */
export function isPartWanted(request: S3Request, found: Found): boolean {
  return mayBePart((name) => request.header(name), validatorsOf(found));
}

/**
 * Returns what refuses a write whose conditions don't hold for the ETag of what is there; undefined where it has none.
 */
export function writeConditions(
  request: S3Request,
): ((found: string | undefined) => void) | undefined {
  const none = request.header('if-none-match');
  const match = request.header('if-match');
  if (none === undefined && match === undefined) {
    return undefined;
  }
  return (found) => {
    if (none !== undefined && found !== undefined && namesTag(none, found, { weakly: true })) {
      throw new S3Error('PreconditionFailed', 'The object is there already');
    }
    if (match !== undefined && found === undefined) {
      throw new S3Error('NoSuchKey', 'There is no such object');
    }
    if (match !== undefined && found !== undefined && !namesTag(match, found)) {
      throw new S3Error('PreconditionFailed', 'The object has become another one');
    }
  };
}

/** As {@link writeConditions}, for the tree that a write is put on. */
export function writeGuard(request: S3Request): Guard | undefined {
  const check = writeConditions(request);
  return (
    check && (async (objects, tree) => check((await findFile(objects, tree, request.key))?.id))
  );
}

/** Checks the conditions that a copy has for its source. */
export function checkSource(request: S3Request, found: Found): void {
  if (refusal((name) => request.header(`x-amz-copy-source-${name}`), validatorsOf(found))) {
    throw new S3Error('PreconditionFailed', 'The source has become another object');
  }
}

/** HTTP tells times in whole seconds. */
function validatorsOf({ etag, modified }: Found): Validators {
  return { etag, modified: Math.floor(modified / 1000) * 1000 };
}
