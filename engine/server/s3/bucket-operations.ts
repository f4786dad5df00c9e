// What can be asked of buckets: which there are, what is in them, which versions.

import { deleteBranch, putBranch } from '../../pfs/branches.ts';
import { repoKeyOf } from '../../pfs/names.ts';
import { createRepo } from '../../pfs/repos.ts';
import {
  type Bucket,
  checkAllowed,
  findBucket,
  isBranch,
  listBuckets,
  newBucket,
  shownCommit,
} from './bucket.ts';
import { type KeyItem, listKeys } from './list-keys.ts';
import { isoTime, type S3Request } from './request.ts';
import { type S3Code, S3Error } from './s3-error.ts';
import { encode } from './signature.ts';
import { openView } from './view.ts';
import type { XmlValue } from './xml.ts';

const MOST_KEYS = 1000;
export const OWNER = { ID: 'pfs', DisplayName: 'pfs' };

/** Settings that S3 has and we have not: what clients are told who look them up. */
const ABSENT: Readonly<Record<string, S3Code>> = {
  cors: 'NoSuchCORSConfiguration',
  encryption: 'ServerSideEncryptionConfigurationNotFoundError',
  lifecycle: 'NoSuchLifecycleConfiguration',
  'object-lock': 'ObjectLockConfigurationNotFoundError',
  policy: 'NoSuchBucketPolicy',
  replication: 'ReplicationConfigurationNotFoundError',
  tagging: 'NoSuchTagSet',
  website: 'NoSuchWebsiteConfiguration',
};

/** Answers a request without a bucket. */
export function listAll(request: S3Request): void {
  const buckets = [...listBuckets(request)].sort((a, b) => (a.name < b.name ? -1 : 1));
  request.send('ListAllMyBucketsResult', {
    Owner: OWNER,
    Buckets: {
      Bucket: buckets.map(({ name, created }) => ({ Name: name, CreationDate: isoTime(created) })),
    },
  });
}

export async function createBucket(request: S3Request): Promise<void> {
  const { context, actor } = request;
  if (request.signer.buckets) {
    await findBucket(request, request.bucket);
    throw new S3Error('BucketAlreadyOwnedByYou', `The datum has bucket "${request.bucket}"`);
  }
  const { project, repo, branch } = newBucket(request.bucket);
  const key = repoKeyOf(project, repo);
  const isNew = !context.journal.state.repos.has(key);
  const bucket = { name: request.bucket, repo: key, ref: branch };
  checkAllowed(request.signer, isNew ? 'make' : 'write', bucket);
  if (isBranch(context, { repo: key, ref: branch })) {
    throw new S3Error('BucketAlreadyOwnedByYou', `Branch "${branch}" of repo "${repo}" is there`);
  }
  if (isNew) {
    await createRepo(context, { key, description: '' }, actor);
  }
  await putBranch(context, { repo: key, branch }, actor);
  request.empty(200, { location: `/${request.bucket}` });
}

export async function deleteBucket(request: S3Request): Promise<void> {
  const { context, actor } = request;
  const bucket = await findBucket(request, request.bucket);
  checkAllowed(request.signer, 'write', bucket);
  const commit = await shownCommit(context, bucket);
  if (commit && commit.files > 0) {
    throw new S3Error(
      'BucketNotEmpty',
      `Branch "${bucket.ref}" has files; pfs delete-branch deletes it with them`,
    );
  }
  await deleteBranch(context, { repo: bucket.repo, branch: bucket.ref, force: false }, actor);
  request.empty(204);
}

export async function inspectBucket(request: S3Request): Promise<void> {
  const bucket = await findBucket(request, request.bucket);
  const { query } = request;
  for (const [setting, code] of Object.entries(ABSENT)) {
    if (query.has(setting)) {
      throw new S3Error(code, `A bucket has no such setting here`);
    }
  }
  if (request.method === 'HEAD') {
    request.empty(200, { 'x-amz-bucket-region': 'us-east-1' });
  } else if (query.has('location')) {
    request.send('LocationConstraint', '');
  } else if (query.has('versioning')) {
    request.send('VersioningConfiguration', { Status: 'Enabled' });
  } else if (query.has('acl')) {
    request.send('AccessControlPolicy', { Owner: OWNER, AccessControlList: {} });
  } else if (query.has('uploads')) {
    listUploads(request, bucket);
  } else if (query.get('list-type') === '2') {
    await listObjectsV2(request, bucket);
  } else if (query.has('versions')) {
    throw new S3Error(
      'NotImplemented',
      'Versions are commits: pfs list-commit shows them, and each opens as a bucket <commit id>.<repo>',
    );
  } else {
    await listObjectsV1(request, bucket);
  }
}

interface Listing {
  readonly items: readonly KeyItem[];
  readonly contents: XmlValue;
  readonly prefixes: XmlValue;
  readonly isTruncated: boolean;
  /** Where the next page begins. */
  readonly last: string;
  /** All pages of a listing are of one commit. */
  readonly commit: string;
}

async function list(
  request: S3Request,
  bucket: Bucket,
  options: { readonly after: string; readonly commit?: string; readonly withOwner: boolean },
): Promise<Listing> {
  const { context, query } = request;
  const max = request.number('max-keys', MOST_KEYS);
  const view = await openView(context, bucket, options.commit);
  if (!view || max === 0) {
    view?.close();
    return { items: [], contents: [], prefixes: [], isTruncated: false, last: '', commit: '' };
  }
  try {
    const items: KeyItem[] = [];
    let isTruncated = false;
    const keys = listKeys(view, {
      prefix: query.get('prefix') ?? '',
      delimiter: query.get('delimiter') ?? '',
      after: options.after,
    });
    for await (const item of keys) {
      isTruncated = items.length === max;
      if (isTruncated) {
        break;
      }
      items.push(item);
    }
    const name = nameOf(request);
    const contents = await Promise.all(
      items.flatMap((item) =>
        item.kind === 'prefix'
          ? []
          : [
              view.stat(item.entry).then(({ size, etag, modified }) => ({
                Key: name(item.key),
                LastModified: isoTime(modified),
                ETag: `"${etag}"`,
                Size: size,
                ...(options.withOwner ? { Owner: OWNER } : {}),
                StorageClass: 'STANDARD',
              })),
            ],
      ),
    );
    const prefixes = items.flatMap((item) =>
      item.kind === 'prefix' ? [{ Prefix: name(item.key) }] : [],
    );
    const last = items.at(-1)?.key ?? '';
    return { items, contents, prefixes, isTruncated, last, commit: view.version ?? '' };
  } finally {
    view.close();
  }
}

function nameOf(request: S3Request): (key: string) => string {
  return request.query.get('encoding-type') === 'url'
    ? (key) => key.split('/').map(encode).join('/')
    : (key) => key;
}

/** What both listings say alike. */
function common(request: S3Request, listing: Listing): { [name: string]: XmlValue } {
  const { query } = request;
  const name = nameOf(request);
  return {
    Name: request.bucket,
    Prefix: name(query.get('prefix') ?? ''),
    Delimiter: query.has('delimiter') ? name(query.get('delimiter') ?? '') : undefined,
    MaxKeys: request.number('max-keys', MOST_KEYS),
    EncodingType: query.get('encoding-type'),
    IsTruncated: listing.isTruncated,
    Contents: listing.contents,
    CommonPrefixes: listing.prefixes,
  };
}

async function listObjectsV2(request: S3Request, bucket: Bucket): Promise<void> {
  const { query } = request;
  const token = query.get('continuation-token');
  const [commit = '', after = ''] = token === undefined ? [] : readToken(token);
  const startAfter = query.get('start-after') ?? '';
  const listing = await list(request, bucket, {
    after: token === undefined ? startAfter : after,
    ...(commit === '' ? {} : { commit }),
    withOwner: query.get('fetch-owner') === 'true',
  });
  request.send('ListBucketResult', {
    ...common(request, listing),
    KeyCount: listing.items.length,
    ContinuationToken: token,
    NextContinuationToken: listing.isTruncated
      ? Buffer.from(`${listing.commit} ${listing.last}`).toString('base64url')
      : undefined,
    StartAfter: startAfter === '' ? undefined : nameOf(request)(startAfter),
  });
}

function readToken(token: string): [string, string] {
  const [, commit, after] =
    /^([0-9a-f]{32})? (.*)$/s.exec(Buffer.from(token, 'base64url').toString('utf8')) ?? [];
  if (after === undefined) {
    throw new S3Error('InvalidArgument', 'The continuation token is none of ours');
  }
  return [commit ?? '', after];
}

async function listObjectsV1(request: S3Request, bucket: Bucket): Promise<void> {
  const after = request.query.get('marker') ?? '';
  const listing = await list(request, bucket, { after, withOwner: true });
  const name = nameOf(request);
  request.send('ListBucketResult', {
    ...common(request, listing),
    Marker: name(after),
    NextMarker: listing.isTruncated ? name(listing.last) : undefined,
  });
}

function listUploads(request: S3Request, bucket: Bucket): void {
  const prefix = request.query.get('prefix') ?? '';
  const uploads = request.parts.uploads.list(bucket).filter(({ key }) => key.startsWith(prefix));
  request.send('ListMultipartUploadsResult', {
    Bucket: request.bucket,
    Prefix: prefix,
    MaxUploads: uploads.length,
    IsTruncated: false,
    Upload: uploads.map(({ key, id, started }) => ({
      Key: key,
      UploadId: id,
      Initiator: OWNER,
      Owner: OWNER,
      StorageClass: 'STANDARD',
      Initiated: isoTime(started),
    })),
  });
}
