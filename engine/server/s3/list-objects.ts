// Listings of what is in a bucket, in both versions that S3 has.

import type { Bucket } from './bucket.ts';
import { type KeyItem, listKeys } from './list-keys.ts';
import { isoTime, type S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';
import { encode } from './signature.ts';
import { openView } from './view.ts';
import type { XmlValue } from './xml.ts';

export const MOST_KEYS = 1000;
export const OWNER = { ID: 'pfs', DisplayName: 'pfs' };

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

/** Returns how names are written in an answer: as they are, or as in URLs where that is asked for. */
export function nameOf({ query }: S3Request): (key: string) => string {
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url') {
    throw new S3Error('InvalidArgument', 'The only encoding-type is "url"');
  }
  return encoding === 'url' ? (key) => key.split('/').map(encode).join('/') : (key) => key;
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

export async function listObjectsV2(request: S3Request, bucket: Bucket): Promise<void> {
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

export async function listObjectsV1(request: S3Request, bucket: Bucket): Promise<void> {
  const after = request.query.get('marker') ?? '';
  const listing = await list(request, bucket, { after, withOwner: true });
  const name = nameOf(request);
  request.send('ListBucketResult', {
    ...common(request, listing),
    Marker: name(after),
    NextMarker: listing.isTruncated ? name(listing.last) : undefined,
  });
}
