// Writing objects: each write is a commit, or joins the one that is open on the branch.

import { createHash } from 'node:crypto';
import { MAX_BLOB_BYTES } from '../../base/limits.ts';
import { encodePointer, mustBeLarge } from '../../content/pointer.ts';
import { checkPath } from '../../git/names.ts';
import { objectId } from '../../git/object-id.ts';
import type { CommitRecord } from '../../journal/records.ts';
import { copyFile, deleteFiles } from '../../pfs/change-files.ts';
import type { Guard } from '../../pfs/commit-queue.ts';
import { openTree } from '../../pfs/commits.ts';
import { findFile } from '../../pfs/files.ts';
import { type FilePart, putFiles, type Target } from '../../pfs/upload.ts';
import { type Bucket, findWritable, shownCommit } from './bucket.ts';
import { type FoundObject, findObject } from './get-object.ts';
import { isoTime, type S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';
import { decodedLength } from './signed-body.ts';
import { listOf, parseXml } from './xml-reader.ts';

const MOST_DELETED = 1000;

function targetOf({ repo, ref }: Bucket): Target {
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
  const commit = await storeObject(request, bucket, request.body());
  request.empty(200, { etag: `"${commit.etag}"`, 'x-amz-version-id': commit.id });
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
): Promise<{ readonly id: string; readonly etag: string }> {
  const { context, parts, actor } = request;
  const tag = new ContentTag();
  const commit = await putFiles(context, parts.queue, {
    target: targetOf(bucket),
    parts: oneFile(pathOf(request.key), source, tag),
    guard: conditionsOf(request),
    request: actor,
    append: false,
    untar: false,
    symlinks: 'refuse',
  });
  return { id: commit.id, etag: tag.end() };
}

async function* oneFile(
  path: string,
  source: AsyncIterable<Buffer>,
  tag: ContentTag,
): AsyncGenerator<readonly FilePart[]> {
  let first = true;
  for await (const data of source) {
    tag.update(data);
    yield [{ path, executable: false, data, first, last: false }];
    first = false;
  }
  yield [{ path, executable: false, data: Buffer.alloc(0), first, last: true }];
}

/** Works out the id under which contents will be stored, without asking the store. */
class ContentTag {
  readonly #sha256 = createHash('sha256');
  #small: Buffer[] = [];
  #size = 0;

  update(bytes: Buffer): void {
    this.#sha256.update(bytes);
    this.#size += bytes.length;
    if (this.#size <= MAX_BLOB_BYTES) {
      this.#small.push(Buffer.from(bytes));
    } else {
      this.#small = [];
    }
  }

  end(): string {
    const small = Buffer.concat(this.#small);
    const isLarge = this.#size > MAX_BLOB_BYTES || mustBeLarge(small);
    const pointer = { sha256: this.#sha256.digest('hex'), size: this.#size };
    return objectId('blob', isLarge ? encodePointer(pointer) : small);
  }
}

/** Returns what refuses a write whose conditions (RFC 9110, 13.1) don't hold; undefined where it has none. */
function conditionsOf(request: S3Request): Guard | undefined {
  const none = request.header('if-none-match');
  const match = request.header('if-match');
  if (none === undefined && match === undefined) {
    return undefined;
  }
  return async (objects, tree) => {
    const found = (await findFile(objects, tree, request.key))?.id;
    const isThere = (list: string) =>
      list.split(',').some((each) => ['*', found].includes(each.trim().replaceAll('"', '')));
    if (none !== undefined && found !== undefined && isThere(none)) {
      throw new S3Error('PreconditionFailed', 'The object is there already');
    }
    if (match !== undefined && found === undefined) {
      throw new S3Error('NoSuchKey', 'There is no such object');
    }
    if (match !== undefined && !isThere(match)) {
      throw new S3Error('PreconditionFailed', 'The object has become another one');
    }
  };
}

export async function copyObject(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  const { context, parts, actor } = request;
  const source = await sourceOf(request);
  const commit = await copyFile(context, parts.queue, {
    target: targetOf(bucket),
    source: { repo: source.bucket.repo, ref: source.commit.id, path: source.key },
    path: pathOf(request.key),
    append: false,
    guard: conditionsOf(request),
    request: actor,
  });
  request.send(
    'CopyObjectResult',
    { LastModified: isoTime(commit.finished ?? commit.started), ETag: `"${source.etag}"` },
    { 'x-amz-version-id': commit.id, 'x-amz-copy-source-version-id': source.commit.id },
  );
}

/** Returns what a copy is made of: `/<bucket>/<key>?versionId=<commit>`, encoded as a URL. */
export async function sourceOf(request: S3Request): Promise<FoundObject> {
  const text = request.header('x-amz-copy-source') ?? '';
  const [path = '', query = ''] = text.split('?');
  const [name = '', ...key] = decodeURIComponent(path).replace(/^\//, '').split('/');
  const version = /(?:^|&)versionId=([^&]*)/.exec(query)?.[1];
  const found = await findObject(request, { name, key: key.join('/'), version });
  const wanted = request.header('x-amz-copy-source-if-match')?.replaceAll('"', '');
  if (wanted !== undefined && wanted !== found.etag) {
    throw new S3Error('PreconditionFailed', 'The source has become another object');
  }
  return found;
}

export async function deleteObject(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  const commit = await deleteKeys(request, bucket, {
    keys: [request.key],
    guard: conditionsOf(request),
  });
  request.empty(204, commit ? { 'x-amz-version-id': commit.id } : {});
}

/** Deletes what is there of keys, in one commit; makes none where nothing is. */
async function deleteKeys(
  request: S3Request,
  bucket: Bucket,
  { keys, guard }: { readonly keys: readonly string[]; readonly guard?: Guard | undefined },
): Promise<CommitRecord | undefined> {
  const { context, parts, actor } = request;
  const commit = await shownCommit(context, bucket);
  const paths: string[] = [];
  if (commit) {
    const tree = await openTree(context, bucket.repo, commit.id);
    try {
      for (const key of keys) {
        const entry = await findFile(tree.objects, tree.tree, key);
        if (entry && entry.mode !== '40000' && key !== '') {
          paths.push(key);
        }
      }
    } finally {
      tree.close();
    }
  }
  if (paths.length === 0) {
    return undefined;
  }
  const change = { target: targetOf(bucket), paths, guard, request: actor };
  return await deleteFiles(context, parts.queue, change);
}

export async function deleteObjects(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  const document = parseXml(await request.document(), 'Delete');
  const keys = listOf(document.Object).map((each) => (each as { Key?: unknown } | null)?.Key);
  if (keys.length > MOST_DELETED || !keys.every((key) => typeof key === 'string')) {
    throw new S3Error('MalformedXML', `Name up to ${MOST_DELETED} keys`);
  }
  await deleteKeys(request, bucket, { keys: keys as string[] });
  const isQuiet = String(document.Quiet) === 'true';
  request.send('DeleteResult', {
    Deleted: isQuiet ? [] : keys.map((Key) => ({ Key: String(Key) })),
  });
}
