// Copying objects: within repos no bytes are moved.

import { copyFile } from '../../pfs/change-files.ts';
import { type Bucket, findWritable } from './bucket.ts';
import { checkSource, writeGuard } from './conditions.ts';
import { type FoundObject, versionHeader, withObject } from './get-object.ts';
import { pathOf, storeObject, targetOf } from './put-object.ts';
import { isoTime, type S3Request } from './request.ts';

export async function copyObject(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  await withSource(request, async (source) => {
    const { version, modified } = await copy(request, bucket, source);
    request.send(
      'CopyObjectResult',
      { LastModified: isoTime(modified), ETag: `"${source.etag}"` },
      {
        ...versionHeader(version),
        ...(source.version === undefined ? {} : { 'x-amz-copy-source-version-id': source.version }),
      },
    );
  });
}

async function copy(
  request: S3Request,
  bucket: Bucket,
  source: FoundObject,
): Promise<{ readonly version: string | undefined; readonly modified: number }> {
  const { context, parts, actor } = request;
  if (bucket.out) {
    const bytes = source.read({ start: 0, end: source.size });
    const { version } = await storeObject(request, bucket, bytes);
    return { version, modified: context.clock.now() };
  }
  const commit = await copyFile(context, parts.queue, {
    target: targetOf(bucket),
    source: { repo: source.bucket.repo, ref: source.version ?? '', path: source.key },
    path: pathOf(request.key),
    append: false,
    guard: writeGuard(request),
    request: actor,
  });
  return { version: commit.id, modified: commit.finished ?? commit.started };
}

/** Lends what a copy is made of: `/<bucket>/<key>?versionId=<commit>`, encoded as a URL. */
export async function withSource<T>(
  request: S3Request,
  use: (source: FoundObject) => Promise<T>,
): Promise<T> {
  const text = request.header('x-amz-copy-source') ?? '';
  const [path = '', query = ''] = text.split('?');
  const [name = '', ...key] = decodeURIComponent(path).replace(/^\//, '').split('/');
  const version = /(?:^|&)versionId=([^&]*)/.exec(query)?.[1];
  return await withObject(request, { name, key: key.join('/'), version }, async (source) => {
    checkSource(request, source);
    return await use(source);
  });
}
