// The table of who may do what at the door for S3.

/** A branch that has `a` and `kept`; `hidden` is in another project, on which nobody has a role. */
export const BUCKET = 'master.data.team';
/** The roles on the project of the bucket. */
export const WHO = ['nobody', 'reader', 'writer', 'owner'] as const;

export type Who = (typeof WHO)[number];

/** One operation, and what comes of it. */
export interface Row {
  /** The function of the door that does it. */
  readonly by: string;
  readonly name: string;
  /** `PUT /bucket/key?query`; `<upload>` is an upload that is under way, `<who>` who asks. */
  readonly asks: string;
  readonly body?: string;
  readonly copies?: string;
  /** The statuses for nobody, reader, writer and owner. */
  readonly gives: readonly [number, number, number, number];
}

const READS = [403, 200, 200, 200] as const;
const WRITES = [403, 403, 200, 200] as const;
const DELETES = [403, 403, 204, 204] as const;
const ABSENT = [403, 404, 404, 404] as const;
const NEVER = [403, 403, 403, 403] as const;

const FIXED = [
  'accelerate',
  'acl',
  'location',
  'logging',
  'notification',
  'requestPayment',
  'versioning',
];
const LACKING = [
  'cors',
  'encryption',
  'lifecycle',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'tagging',
  'website',
];
const PART =
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>';
const KEYS = '<Delete><Object><Key>a</Key></Object></Delete>';

/** Every operation. */
export const ROWS: readonly Row[] = [
  { by: 'listAll', name: 'ListBuckets', asks: 'GET /', gives: [200, 200, 200, 200] },
  { by: 'inspectBucket', name: 'HeadBucket', asks: `HEAD /${BUCKET}`, gives: READS },
  { by: 'inspectBucket', name: 'ListObjects', asks: `GET /${BUCKET}`, gives: READS },
  { by: 'inspectBucket', name: 'ListObjectsV2', asks: `GET /${BUCKET}?list-type=2`, gives: READS },
  {
    by: 'inspectBucket',
    name: 'ListObjectVersions',
    asks: `GET /${BUCKET}?versions`,
    gives: READS,
  },
  {
    by: 'inspectBucket',
    name: 'ListMultipartUploads',
    asks: `GET /${BUCKET}?uploads`,
    gives: READS,
  },
  ...FIXED.map((setting) => ({
    by: 'inspectBucket',
    name: `GetBucket ${setting}`,
    asks: `GET /${BUCKET}?${setting}`,
    gives: READS,
  })),
  ...LACKING.map((setting) => ({
    by: 'inspectBucket',
    name: `GetBucket ${setting}`,
    asks: `GET /${BUCKET}?${setting}`,
    gives: ABSENT,
  })),
  {
    by: 'createBucket',
    name: 'CreateBucket, a branch',
    asks: 'PUT /new-<who>.data.team',
    gives: WRITES,
  },
  {
    by: 'createBucket',
    name: 'CreateBucket, a repo',
    asks: 'PUT /master.new-<who>.team',
    gives: WRITES,
  },
  {
    by: 'createBucket',
    name: 'CreateBucket, there already',
    asks: `PUT /${BUCKET}`,
    gives: [403, 403, 409, 409],
  },
  {
    by: 'createBucket',
    name: 'CreateBucket, of another project',
    asks: 'PUT /master.new.other',
    gives: NEVER,
  },
  { by: 'deleteBucket', name: 'DeleteBucket', asks: 'DELETE /old-<who>.data.team', gives: DELETES },
  {
    by: 'deleteBucket',
    name: 'DeleteBucket, not empty',
    asks: `DELETE /${BUCKET}`,
    gives: [403, 403, 409, 409],
  },
  {
    by: 'deleteObjects',
    name: 'DeleteObjects',
    asks: `POST /${BUCKET}?delete`,
    body: KEYS,
    gives: WRITES,
  },
  { by: 'getObject', name: 'GetObject', asks: `GET /${BUCKET}/kept`, gives: READS },
  { by: 'getObject', name: 'GetObject, missing', asks: `GET /${BUCKET}/none`, gives: ABSENT },
  {
    by: 'getObject',
    name: 'GetObject, a version',
    asks: `GET /${BUCKET}/kept?versionId=master`,
    gives: READS,
  },
  { by: 'getObject', name: 'HeadObject', asks: `HEAD /${BUCKET}/kept`, gives: READS },
  {
    by: 'getObject',
    name: 'GetObjectAttributes',
    asks: `GET /${BUCKET}/kept?attributes`,
    gives: READS,
  },
  ...['tagging', 'acl'].map((setting) => ({
    by: 'getObject',
    name: `GetObject ${setting}`,
    asks: `GET /${BUCKET}/kept?${setting}`,
    gives: READS,
  })),
  ...['tagging', 'acl', 'retention'].map((setting) => ({
    by: 'putObject',
    name: `PutObject ${setting}`,
    asks: `PUT /${BUCKET}/kept?${setting}`,
    gives: [501, 501, 501, 501] as const,
  })),
  { by: 'putObject', name: 'PutObject', asks: `PUT /${BUCKET}/b`, body: 'b', gives: WRITES },
  { by: 'putObject', name: 'PutObject, a folder', asks: `PUT /${BUCKET}/folder/`, gives: WRITES },
  {
    by: 'putObject',
    name: 'PutObject, a new branch',
    asks: 'PUT /made-<who>.data.team/b',
    body: 'b',
    gives: WRITES,
  },
  {
    by: 'putObject',
    name: 'PutObject, no repo',
    asks: 'PUT /master.none.team/b',
    body: 'b',
    gives: ABSENT,
  },
  {
    by: 'putObject',
    name: 'PutObject, of another project',
    asks: 'PUT /master.hidden.other/b',
    body: 'b',
    gives: NEVER,
  },
  {
    by: 'putObject',
    name: 'PutObject, no repo of another project',
    asks: 'PUT /master.none.other/b',
    body: 'b',
    gives: NEVER,
  },
  {
    by: 'copyObject',
    name: 'CopyObject',
    asks: `PUT /${BUCKET}/c`,
    copies: `/${BUCKET}/kept`,
    gives: WRITES,
  },
  {
    by: 'copyObject',
    name: 'CopyObject of what is hidden',
    asks: `PUT /${BUCKET}/c`,
    copies: '/master.hidden.other/kept',
    gives: NEVER,
  },
  { by: 'deleteObject', name: 'DeleteObject', asks: `DELETE /${BUCKET}/a`, gives: DELETES },
  {
    by: 'deleteObject',
    name: 'DeleteObject, a version',
    asks: `DELETE /${BUCKET}/a?versionId=master`,
    gives: NEVER,
  },
  {
    by: 'beginUpload',
    name: 'CreateMultipartUpload',
    asks: `POST /${BUCKET}/u?uploads`,
    gives: WRITES,
  },
  {
    by: 'putPart',
    name: 'UploadPart',
    asks: `PUT /${BUCKET}/u?uploadId=<upload>&partNumber=1`,
    body: 'u',
    gives: WRITES,
  },
  {
    by: 'putPart',
    name: 'UploadPartCopy',
    asks: `PUT /${BUCKET}/u?uploadId=<upload>&partNumber=1`,
    copies: `/${BUCKET}/kept`,
    gives: WRITES,
  },
  {
    by: 'putPart',
    name: 'UploadPartCopy of what is hidden',
    asks: `PUT /${BUCKET}/u?uploadId=<upload>&partNumber=1`,
    copies: '/master.hidden.other/kept',
    gives: NEVER,
  },
  { by: 'listParts', name: 'ListParts', asks: `GET /${BUCKET}/u?uploadId=<upload>`, gives: WRITES },
  {
    by: 'completeUpload',
    name: 'CompleteMultipartUpload',
    asks: `POST /${BUCKET}/u?uploadId=<upload>`,
    body: PART,
    gives: WRITES,
  },
  {
    by: 'abortUpload',
    name: 'AbortMultipartUpload',
    asks: `DELETE /${BUCKET}/u?uploadId=<upload>`,
    gives: DELETES,
  },
];
