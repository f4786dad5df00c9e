// Reading objects: a file of the commit that the bucket, or the version that is asked for, shows.

import type { CommitRecord } from '../../journal/records.ts';
import { openTree, type ReadableTree } from '../../pfs/commits.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { type FileInfo, findFile, withStat } from '../../pfs/files.ts';
import { rangeOf } from '../range.ts';
import { type Bucket, findBucket, shownCommit, type Visitor } from './bucket.ts';
import type { S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';

export interface FoundObject {
  readonly bucket: Bucket;
  readonly key: string;
  readonly commit: CommitRecord;
  readonly entry: FileInfo;
  readonly size: number;
  /** The id of its Git blob. */
  readonly etag: string;
  /** When the commit finished, in milliseconds since the Unix epoch. */
  readonly modified: number;
}

/** Finds a file; `NoSuchKey` where there is none of that name. */
export async function findObject(
  visitor: Visitor,
  wanted: { readonly name: string; readonly key: string; readonly version?: string | undefined },
): Promise<FoundObject> {
  const { name, key, version } = wanted;
  const { context } = visitor;
  const bucket = await findBucket(visitor, name);
  const commit = await shownCommit(context, bucket, version);
  if (!commit) {
    throw noSuchKey(key);
  }
  const tree = await openTree(context, bucket.repo, commit.id);
  try {
    const found = key === '' ? undefined : await findFile(tree.objects, tree.tree, key);
    if (!found || found.mode === '40000' || found.mode === '120000') {
      throw noSuchKey(key);
    }
    const entry = await withStat(tree.objects, found);
    const modified = commit.finished ?? commit.started;
    return { bucket, key, commit, entry, size: entry.size, etag: entry.id, modified };
  } finally {
    tree.close();
  }
}

/** Opens the commit of a file to read it. Close it. */
export async function openObject(
  context: PfsContext,
  { bucket, commit }: FoundObject,
): Promise<ReadableTree> {
  return await openTree(context, bucket.repo, commit.id);
}

function noSuchKey(key: string): S3Error {
  return new S3Error('NoSuchKey', `There is no file "${key}"`);
}

/** Names of headers that a presigned URL may set. */
const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** Answers GET and HEAD of an object. */
export async function getObject(request: S3Request): Promise<void> {
  const { bucket: name, key, query, method } = request;
  if (query.has('tagging')) {
    request.send('Tagging', { TagSet: '' });
    return;
  }
  if (query.has('acl')) {
    request.send('AccessControlPolicy', { AccessControlList: {} });
    return;
  }
  const found = await findObject(request, { name, key, version: query.get('versionId') });
  const headers: Record<string, string> = {
    etag: `"${found.etag}"`,
    'last-modified': new Date(found.modified).toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'x-amz-version-id': found.commit.id,
  };
  for (const header of OVERRIDES) {
    const value = query.get(`response-${header}`);
    if (value !== undefined && !/[\r\n]/.test(value)) {
      headers[header] = value;
    }
  }
  const refused = refusal(request, found);
  if (refused === 'NotModified') {
    request.empty(304, { etag: headers.etag ?? '' });
    return;
  }
  if (refused) {
    throw new S3Error(refused, 'The object is not what was asked for');
  }
  const range = rangeOf(request.header('range'), found.size);
  if (range === 'unsatisfiable') {
    throw new S3Error('InvalidRange', `The object has ${found.size} bytes`);
  }
  const { start, end } = range ?? { start: 0, end: found.size };
  headers['content-length'] = String(end - start);
  if (range) {
    headers['content-range'] = `bytes ${start}-${end - 1}/${found.size}`;
  }
  if (method === 'HEAD') {
    request.empty(range ? 206 : 200, headers);
    return;
  }
  const tree = await openObject(request.context, found);
  try {
    request.response.writeHead(range ? 206 : 200, headers);
    for await (const bytes of tree.readFile(found.entry.id, { start, end })) {
      if (request.response.destroyed) {
        return;
      }
      if (!request.response.write(bytes)) {
        await drained(request);
      }
    }
    request.response.end();
  } finally {
    tree.close();
  }
}

function drained({ response }: S3Request): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** Evaluates the conditions of a request (RFC 9110, 13.2.2). */
function refusal(
  request: S3Request,
  { etag, modified }: FoundObject,
): 'NotModified' | 'PreconditionFailed' | undefined {
  const isIn = (list: string) =>
    list.split(',').some((each) => ['*', etag].includes(each.trim().replaceAll('"', '')));
  const since = (name: string) => Date.parse(request.header(name) ?? '');
  const seconds = Math.floor(modified / 1000) * 1000;
  const match = request.header('if-match');
  const none = request.header('if-none-match');
  if (match === undefined ? seconds > since('if-unmodified-since') : !isIn(match)) {
    return 'PreconditionFailed';
  }
  if (none === undefined ? seconds <= since('if-modified-since') : isIn(none)) {
    return 'NotModified';
  }
  return undefined;
}
