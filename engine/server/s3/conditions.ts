// The conditions of requests (RFC 9110, 13): what must be there, or must not, for a read or a write to happen.

import type { Guard } from '../../pfs/commit-queue.ts';
import { findFile } from '../../pfs/files.ts';
import { refusal } from '../conditions.ts';
import type { S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';

/** Returns whether a list of ETags, or `*`, names one. */
function names(list: string, etag: string | undefined): boolean {
  return list.split(',').some((each) => {
    const tag = each.trim().replace(/^W\//, '').replaceAll('"', '');
    return tag === '*' || tag === etag;
  });
}

/** Returns what refuses a read; undefined where it may happen. */
export function readRefusal(
  request: S3Request,
  { etag, modified }: { readonly etag: string; readonly modified: number },
): 'NotModified' | 'PreconditionFailed' | undefined {
  const seconds = Math.floor(modified / 1000) * 1000;
  const refused = refusal((name) => request.header(name), { etag, modified: seconds });
  return refused && (refused === 'failed' ? 'PreconditionFailed' : 'NotModified');
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
    if (none !== undefined && found !== undefined && names(none, found)) {
      throw new S3Error('PreconditionFailed', 'The object is there already');
    }
    if (match !== undefined && found === undefined) {
      throw new S3Error('NoSuchKey', 'There is no such object');
    }
    if (match !== undefined && !names(match, found)) {
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
export function checkSource(
  request: S3Request,
  { etag, modified }: { readonly etag: string; readonly modified: number },
): void {
  const header = (name: string) => request.header(`x-amz-copy-source-${name}`);
  const since = (name: string) => Date.parse(header(name) ?? '');
  const seconds = Math.floor(modified / 1000) * 1000;
  const match = header('if-match');
  const none = header('if-none-match');
  const isOther =
    match === undefined ? seconds > since('if-unmodified-since') : !names(match, etag);
  const isSame = none === undefined ? seconds <= since('if-modified-since') : names(none, etag);
  if (isOther || isSame) {
    throw new S3Error('PreconditionFailed', 'The source has become another object');
  }
}
