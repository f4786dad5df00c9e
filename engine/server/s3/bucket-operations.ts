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
import { listObjectsV1, listObjectsV2, OWNER } from './list-objects.ts';
import { listVersions } from './list-versions.ts';
import { isoTime, type S3Request } from './request.ts';
import { type S3Code, S3Error } from './s3-error.ts';
import type { XmlValue } from './xml.ts';

/** Settings that S3 has and we have not: what clients are told who look them up. */
const ABSENT: Readonly<Record<string, S3Code>> = {
  cors: 'NoSuchCORSConfiguration',
  encryption: 'ServerSideEncryptionConfigurationNotFoundError',
  lifecycle: 'NoSuchLifecycleConfiguration',
  'object-lock': 'ObjectLockConfigurationNotFoundError',
  ownershipControls: 'OwnershipControlsNotFoundError',
  policyStatus: 'NoSuchBucketPolicy',
  publicAccessBlock: 'NoSuchPublicAccessBlockConfiguration',
  policy: 'NoSuchBucketPolicy',
  replication: 'ReplicationConfigurationNotFoundError',
  tagging: 'NoSuchTagSet',
  website: 'NoSuchWebsiteConfiguration',
};

/** Settings that are always the same here. */
const FIXED: Readonly<Record<string, readonly [string, XmlValue]>> = {
  accelerate: ['AccelerateConfiguration', ''],
  acl: ['AccessControlPolicy', { Owner: OWNER, AccessControlList: {} }],
  location: ['LocationConstraint', ''],
  logging: ['BucketLoggingStatus', ''],
  notification: ['NotificationConfiguration', ''],
  requestPayment: ['RequestPaymentConfiguration', { Payer: 'BucketOwner' }],
  versioning: ['VersioningConfiguration', { Status: 'Enabled' }],
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
  const fixed = Object.keys(FIXED).find((setting) => query.has(setting));
  const [name, value] = FIXED[fixed ?? ''] ?? ['', ''];
  if (request.method === 'HEAD') {
    request.empty(200, { 'x-amz-bucket-region': 'us-east-1' });
  } else if (fixed !== undefined) {
    request.send(name, value);
  } else if (query.has('uploads')) {
    listUploads(request, bucket);
  } else if (query.get('list-type') === '2') {
    await listObjectsV2(request, bucket);
  } else if (query.has('versions')) {
    await listVersions(request, bucket);
  } else {
    await listObjectsV1(request, bucket);
  }
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
