// Uploads in parts: begun, filled, completed as one write, or given up.

import { checkedObject } from './body-checks.ts';
import { type Bucket, findWritable } from './bucket.ts';
import { withSource } from './copy-object.ts';
import { versionHeader } from './get-object.ts';
import { MOST_PARTS, type Part, type Upload } from './multipart.ts';
import { pathOf, storeObject } from './put-object.ts';
import { isoTime, type S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';
import { listOf, parseXml } from './xml-reader.ts';

export async function beginUpload(request: S3Request): Promise<void> {
  const bucket = await findWritable(request, request.bucket);
  const upload = await request.parts.uploads.begin(bucket, pathOf(request.key));
  request.send('InitiateMultipartUploadResult', {
    Bucket: request.bucket,
    Key: request.key,
    UploadId: upload.id,
  });
}

async function uploadOf(
  request: S3Request,
): Promise<{ readonly bucket: Bucket; readonly upload: Upload }> {
  const bucket = await findWritable(request, request.bucket);
  const id = request.query.get('uploadId') ?? '';
  return { bucket, upload: request.parts.uploads.find(id, bucket, request.key) };
}

export async function putPart(request: S3Request): Promise<void> {
  const { upload } = await uploadOf(request);
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > MOST_PARTS) {
    throw new S3Error('InvalidArgument', `Parts have numbers from 1 to ${MOST_PARTS}`);
  }
  if (request.header('x-amz-copy-source') === undefined) {
    const etag = await request.parts.uploads.putPart(upload, number, request.body());
    request.empty(200, { etag: `"${etag}"` });
    return;
  }
  await withSource(request, async (source) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(
      request.header('x-amz-copy-source-range') ?? '',
    ) ?? [undefined, '0', String(source.size - 1)];
    const bytes = source.read({ start: Number(first), end: Number(last) + 1 });
    const etag = await request.parts.uploads.putPart(upload, number, bytes);
    request.send('CopyPartResult', {
      LastModified: isoTime(source.modified),
      ETag: `"${etag}"`,
    });
  });
}

export async function listParts(request: S3Request): Promise<void> {
  const { upload } = await uploadOf(request);
  const after = request.number('part-number-marker', MOST_PARTS) % MOST_PARTS;
  const max = request.number('max-parts', 1000);
  const parts = request.parts.uploads.parts(upload).filter(({ number }) => number > after);
  const shown = parts.slice(0, max);
  request.send('ListPartsResult', {
    Bucket: request.bucket,
    Key: request.key,
    UploadId: upload.id,
    MaxParts: max,
    IsTruncated: parts.length > max,
    NextPartNumberMarker: shown.at(-1)?.number ?? 0,
    Part: shown.map(({ number, etag, size, modified }) => ({
      PartNumber: number,
      LastModified: isoTime(modified),
      ETag: `"${etag}"`,
      Size: size,
    })),
  });
}

export async function completeUpload(request: S3Request): Promise<void> {
  const { bucket, upload } = await uploadOf(request);
  const document = parseXml(
    await request.document({ hasChecksums: false }),
    'CompleteMultipartUpload',
  );
  const parts = wantedParts(listOf(document.Part), request.parts.uploads.parts(upload));
  const bytes = checkedObject(request.parts.uploads.read(upload, parts), request.headers);
  const made = await storeObject(request, bucket, bytes);
  await request.parts.uploads.end(upload);
  request.send(
    'CompleteMultipartUploadResult',
    {
      Location: `http://${request.header('host') ?? ''}/${request.bucket}/${request.key}`,
      Bucket: request.bucket,
      Key: request.key,
      ETag: `"${made.etag}"`,
    },
    versionHeader(made.version),
  );
}

function wantedParts(named: readonly unknown[], have: readonly Part[]): Part[] {
  let last = 0;
  return named.map((each) => {
    const { PartNumber, ETag } = (each ?? {}) as Record<string, unknown>;
    const number = Number(PartNumber);
    if (number <= last) {
      throw new S3Error('InvalidPartOrder', 'Name the parts in the order of their numbers');
    }
    last = number;
    const etag = String(ETag ?? '')
      .replaceAll('"', '')
      .replaceAll('&quot;', '');
    const part = have.find((one) => one.number === number && (etag === '' || one.etag === etag));
    if (!part) {
      throw new S3Error('InvalidPart', `Part ${number} has not come, or is another one`);
    }
    return part;
  });
}

export async function abortUpload(request: S3Request): Promise<void> {
  const { upload } = await uploadOf(request);
  await request.parts.uploads.end(upload);
  request.empty(204);
}
