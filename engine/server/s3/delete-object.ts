// Deleting objects: what is there of them goes in one commit. What was stays in the commits before.

import { deleteFiles } from '../../pfs/change-files.ts';
import { type Bucket, findWritable } from './bucket.ts';
import { writeConditions, writeGuard } from './conditions.ts';
import { versionHeader } from './get-object.ts';
import { targetOf } from './put-object.ts';
import type { S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';
import { openView } from './view.ts';
import { listOf, parseXml } from './xml-reader.ts';

const MOST_DELETED = 1000;
const KEPT =
  'A version is a commit, which stays as it is; delete the object without a version, or the commit with pfs';

export async function deleteObject(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  if (request.query.has('versionId')) {
    throw new S3Error('AccessDenied', KEPT);
  }
  const version = await deleteKeys(request, bucket, { keys: [request.key], isOne: true });
  request.empty(204, versionHeader(version));
}

/** Deletes what is there of keys, in one commit, which it returns; makes none where nothing is. */
async function deleteKeys(
  request: S3Request,
  bucket: Bucket,
  { keys, isOne = false }: { readonly keys: readonly string[]; readonly isOne?: boolean },
): Promise<string | undefined> {
  const { context, parts, actor } = request;
  if (bucket.out) {
    for (const key of keys) {
      bucket.out.remove(key, isOne ? writeConditions(request) : undefined);
    }
    return undefined;
  }
  const view = await openView(context, bucket);
  const paths: string[] = [];
  try {
    for (const key of view ? keys : []) {
      if (await view?.find(key)) {
        paths.push(key);
      }
    }
  } finally {
    view?.close();
  }
  if (paths.length === 0) {
    return undefined;
  }
  const guard = isOne ? writeGuard(request) : undefined;
  const change = { target: targetOf(bucket), paths, guard, request: actor };
  return (await deleteFiles(context, parts.queue, change)).id;
}

export async function deleteObjects(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  const document = parseXml(await request.document(), 'Delete');
  const named = listOf(document.Object).map((each) => {
    const { Key: key, VersionId: version } = (each ?? {}) as Record<string, unknown>;
    return { key, version };
  });
  const keys = named.flatMap(({ key }) => (typeof key === 'string' ? [key] : []));
  if (named.length > MOST_DELETED || keys.length < named.length) {
    throw new S3Error('MalformedXML', `Name up to ${MOST_DELETED} keys`);
  }
  const kept = named.filter(({ version }) => version !== undefined && version !== '');
  const gone = keys.filter((_, at) => !kept.includes(named[at] ?? { key: '', version: '' }));
  await deleteKeys(request, bucket, { keys: gone });
  const isQuiet = String(document.Quiet) === 'true';
  request.send('DeleteResult', {
    Deleted: isQuiet ? [] : gone.map((Key) => ({ Key })),
    Error: kept.map(({ key, version }) => ({
      Key: String(key),
      VersionId: String(version),
      Code: 'AccessDenied',
      Message: KEPT,
    })),
  });
}
