// Reading objects: a file of the commit that the bucket, or the version that is asked for, shows.

import type { FileEntry } from '../../pfs/files.ts';
import { rangeOf } from '../range.ts';
import { sent } from '../sent-bytes.ts';
import { type Bucket, findBucket, type Visitor } from './bucket.ts';
import { isPartWanted, readRefusal } from './conditions.ts';
import type { S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';
import { openView, type ViewRange } from './view.ts';

export interface FoundObject {
  readonly bucket: Bucket;
  readonly key: string;
  readonly entry: FileEntry;
  readonly size: number;
  /** The id of its Git blob. */
  readonly etag: string;
  /** When the commit finished, in milliseconds since the Unix epoch. */
  readonly modified: number;
  /** What it is in; undefined for what is in no commit yet. */
  readonly version: string | undefined;
  /** Yields its bytes, from `start` up to and without `end`. */
  read(range: ViewRange): AsyncIterable<Buffer>;
}

/** Lends a file to `use`; `NoSuchKey` where there is none of that name. */
export async function withObject<T>(
  visitor: Visitor,
  wanted: { readonly name: string; readonly key: string; readonly version?: string | undefined },
  use: (found: FoundObject) => Promise<T>,
): Promise<T> {
  const { name, key, version } = wanted;
  const { context } = visitor;
  const bucket = await findBucket(visitor, name);
  const view = await openView(context, bucket, version);
  try {
    const entry = await view?.find(key);
    if (!view || !entry) {
      throw noSuchKey(key);
    }
    const stat = await view.stat(entry);
    return await use({
      bucket,
      key,
      entry,
      ...stat,
      version: view.version,
      read: (range) => view.read(entry, range),
    });
  } finally {
    view?.close();
  }
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
  const { bucket: name, key, query } = request;
  if (query.has('tagging')) {
    await findBucket(request, name);
    request.send('Tagging', { TagSet: '' });
    return;
  }
  if (query.has('acl')) {
    await findBucket(request, name);
    request.send('AccessControlPolicy', { AccessControlList: {} });
    return;
  }
  const version = query.get('versionId');
  if (query.has('attributes')) {
    await withObject(request, { name, key, version }, async (found) => {
      const { etag, size, modified } = found;
      request.send(
        'GetObjectAttributesResponse',
        { ETag: etag, StorageClass: 'STANDARD', ObjectSize: size },
        { ...versionHeader(found.version), 'last-modified': new Date(modified).toUTCString() },
      );
    });
    return;
  }
  await withObject(request, { name, key, version }, (found) => sendObject(request, found));
}

async function sendObject(request: S3Request, found: FoundObject): Promise<void> {
  const { query, method } = request;
  const headers: Record<string, string> = {
    etag: `"${found.etag}"`,
    'last-modified': new Date(found.modified).toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    ...versionHeader(found.version),
  };
  for (const header of OVERRIDES) {
    const value = query.get(`response-${header}`);
    if (value !== undefined && !/[\r\n]/.test(value)) {
      headers[header] = value;
    }
  }
  const refused = readRefusal(request, found);
  if (refused === 'NotModified') {
    const { 'content-type': _, ...rest } = headers;
    request.empty(304, rest);
    return;
  }
  if (refused) {
    throw new S3Error(refused, 'The object is not what was asked for');
  }
  checkPart(request);
  // A range of another object than the one that the client has a part of is no use: it gets all of it.
  const range = isPartWanted(request, found)
    ? rangeOf(request.header('range'), found.size)
    : undefined;
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
  request.response.writeHead(range ? 206 : 200, headers);
  const bytes = found.read({ start, end, borrowed: true });
  for await (const piece of bytes) {
    if (!(await sent(request.response, piece))) {
      return;
    }
  }
  request.response.end();
}

/** Objects are of one piece, however they came. */
function checkPart({ query }: S3Request): void {
  const part = query.get('partNumber');
  if (part !== undefined && part !== '1') {
    throw new S3Error('InvalidPartNumber', 'The object is of one part');
  }
}

/** The header that names the commit which an answer is about. */
export function versionHeader(version: string | undefined): Record<string, string> {
  return version === undefined ? {} : { 'x-amz-version-id': version };
}
