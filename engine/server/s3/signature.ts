// Who asks: AWS Signature Version 4, in the headers of a request or in the query of a presigned URL.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Credentials, Signer } from './credentials.ts';
import { S3Error } from './s3-error.ts';

/** What is signed of a request. */
export interface SignedRequest {
  readonly method: string;
  /** As it was sent: percent-encoded. */
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: IncomingHttpHeaders;
}

/** A signature that was found right, and what goes on from it. */
export interface Signature {
  readonly signer: Signer;
  /** What the body must hash to, or how it is signed in pieces. */
  readonly payload: string;
  readonly date: string;
  readonly scope: string;
  /** Hex digits. */
  readonly value: string;
  readonly key: Buffer;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60 * 1000;
const MAX_EXPIRY_S = 7 * 24 * 60 * 60;

export const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex');
export const hmac = (key: Buffer, data: string): Buffer =>
  createHmac('sha256', key).update(data).digest();

/**
 * Checks the signature of a request; `now` is in milliseconds.
 * Rejects with the S3 error that says what is wrong.
 */
export function checkSignature(
  request: SignedRequest,
  options: { readonly credentials: Credentials; readonly now: number },
): Signature {
  const query = new Map(request.query);
  const isPresigned = query.has('X-Amz-Signature') || query.has('X-Amz-Credential');
  const claim = isPresigned ? claimOfQuery(query) : claimOfHeader(request.headers);
  const [accessKey = '', day = '', region = '', service = '', end = ''] =
    claim.credential.split('/');
  if (service !== 's3' || end !== 'aws4_request' || !claim.date.startsWith(day) || day === '') {
    throw new S3Error('AuthorizationHeaderMalformed', 'The scope of the credential is none of S3');
  }
  checkTime(claim, options.now);
  checkSigned(request, claim);
  const signer = options.credentials.find(accessKey);
  if (!signer) {
    throw new S3Error('InvalidAccessKeyId', 'There is no such access key; pfs s3-env shows it');
  }
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = [day, region, 's3', 'aws4_request'].reduce(hmac, Buffer.from(`AWS4${signer.secret}`));
  const payload = isPresigned
    ? 'UNSIGNED-PAYLOAD'
    : String(request.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD');
  const text = [ALGORITHM, claim.date, scope, sha256(canonical(request, claim, payload))].join(
    '\n',
  );
  const value = hmac(key, text).toString('hex');
  const given = Buffer.from(claim.signature);
  if (given.length !== value.length || !timingSafeEqual(given, Buffer.from(value))) {
    throw new S3Error('SignatureDoesNotMatch', 'The signature is not that of the secret key');
  }
  return { signer, payload, date: claim.date, scope, value, key };
}

interface Claim {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  /** `YYYYMMDDThhmmssZ`. */
  readonly date: string;
  /** Seconds; undefined for a signature in a header. */
  readonly expires: number | undefined;
}

function claimOfHeader(headers: IncomingHttpHeaders): Claim {
  const text = headers.authorization ?? '';
  if (text === '') {
    throw new S3Error(
      'AccessDenied',
      'The request is not signed with Signature Version 4; pfs s3-env shows the keys',
    );
  }
  const field = (name: string) => new RegExp(`[ ,]${name}=([^, ]+)`).exec(text)?.[1] ?? '';
  if (!text.startsWith(`${ALGORITHM} `)) {
    throw new S3Error('AuthorizationHeaderMalformed', `Only ${ALGORITHM} is understood`);
  }
  const date = headers['x-amz-date'] ?? toAmzDate(headers.date);
  return {
    credential: field('Credential'),
    signedHeaders: field('SignedHeaders'),
    signature: field('Signature'),
    date: String(date),
    expires: undefined,
  };
}

function claimOfQuery(query: ReadonlyMap<string, string>): Claim {
  const field = (name: string) => query.get(`X-Amz-${name}`) ?? '';
  const expires = Number(field('Expires'));
  if (field('Algorithm') !== ALGORITHM || !(expires > 0 && expires <= MAX_EXPIRY_S)) {
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      `A presigned URL needs ${ALGORITHM} and a time to live of up to seven days`,
    );
  }
  return {
    credential: field('Credential'),
    signedHeaders: field('SignedHeaders'),
    signature: field('Signature'),
    date: field('Date'),
    expires,
  };
}

/** What a presigned URL allows must not grow by a header: a source to copy from, above all. */
function checkSigned({ headers }: SignedRequest, { signedHeaders }: Claim): void {
  const signed = signedHeaders.split(';');
  const added = Object.keys(headers).find(
    (name) => name.startsWith('x-amz-copy-source') && !signed.includes(name),
  );
  if (added !== undefined) {
    throw new S3Error('AccessDenied', `The header ${added} must be signed`);
  }
}

function checkTime({ date, expires }: Claim, now: number): void {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  const [year = 0, month = 0, day = 0, ...time] = parts.map(Number);
  const at = parts.length === 0 ? Number.NaN : Date.UTC(year, month - 1, day, ...time);
  const isNear = Math.abs(now - at) <= MAX_SKEW_MS;
  if (expires === undefined ? !isNear : !(at - MAX_SKEW_MS <= now)) {
    throw new S3Error('RequestTimeTooSkewed', 'The time of the request is too far from ours');
  }
  if (expires !== undefined && now > at + expires * 1000) {
    throw new S3Error('AccessDenied', 'The presigned URL has expired');
  }
}

function canonical(request: SignedRequest, claim: Claim, payload: string): string {
  const signed = claim.signedHeaders.split(';');
  const headers = signed.map((name) => {
    const value = request.headers[name] ?? '';
    const text = Array.isArray(value) ? value.join(',') : value;
    return `${name}:${text.trim().replace(/ +/g, ' ')}\n`;
  });
  const query = request.query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort((a, b) => (a < b ? -1 : 1));
  const path = request.path
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');
  return [
    request.method,
    path,
    query.join('&'),
    headers.join(''),
    claim.signedHeaders,
    payload,
  ].join('\n');
}

/** Percent-encodes as RFC 3986 has it. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function toAmzDate(date: string | undefined): string {
  const at = Date.parse(date ?? '');
  return Number.isNaN(at) ? '' : new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}
