// Writing objects: each write is a commit, or joins the one that is open on the branch.

import { checkPath } from '../../git/names.ts';
import { objectId } from '../../git/object-id.ts';
import { type FilePart, putFiles, type Target } from '../../pfs/upload.ts';
import { type Bucket, findWritable } from './bucket.ts';
import { writeConditions, writeGuard } from './conditions.ts';
import { ContentTag } from './content-tag.ts';
import { versionHeader } from './get-object.ts';
import type { S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';
import { decodedLength } from './signed-body.ts';

export function targetOf({ repo, ref }: Bucket): Target {
  return { repo, ref, own: false, description: '' };
}

/** Returns the path that a key names; `InvalidArgument` where no file can have it. */
export function pathOf(key: string): string {
  checkPath(key);
  return key;
}

export async function putObject(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  const { key, headers } = request;
  if (decodedLength(headers) === undefined) {
    throw new S3Error('MissingContentLength', 'Say how long the body is');
  }
  if (key.endsWith('/')) {
    await makeFolder(request);
    return;
  }
  const { etag, version } = await storeObject(request, bucket, request.body());
  request.empty(200, { etag: `"${etag}"`, ...versionHeader(version) });
}

/** Directories are there as long as something is in them: making an empty one changes nothing. */
async function makeFolder(request: S3Request): Promise<void> {
  for await (const bytes of request.body()) {
    if (bytes.length > 0) {
      throw new S3Error('InvalidArgument', 'A key that ends in a slash can have no content');
    }
  }
  request.empty(200, { etag: `"${objectId('blob', Buffer.alloc(0))}"` });
}

/** Stores one object, in a commit of its own or in the open one; returns the commit and the object's ETag. */
export async function storeObject(
  request: S3Request,
  bucket: Bucket,
  source: AsyncIterable<Buffer>,
): Promise<{ readonly version: string | undefined; readonly etag: string }> {
  const { context, parts, actor } = request;
  const tag = new ContentTag();
  if (bucket.out) {
    let etag = '';
    await bucket.out.put(pathOf(request.key), tag.watch(source), {
      tag: () => {
        etag = tag.end();
        return etag;
      },
      check: writeConditions(request),
    });
    return { version: undefined, etag };
  }
  const commit = await putFiles(context, parts.queue, {
    target: targetOf(bucket),
    parts: oneFile(pathOf(request.key), tag.watch(source)),
    guard: writeGuard(request),
    request: actor,
    append: false,
    untar: false,
    symlinks: 'refuse',
  });
  return { version: commit.id, etag: tag.end() };
}

async function* oneFile(
  path: string,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<readonly FilePart[]> {
  let first = true;
  for await (const data of source) {
    yield [{ path, executable: false, data, first, last: false }];
    first = false;
  }
  yield [{ path, executable: false, data: Buffer.alloc(0), first, last: true }];
}
