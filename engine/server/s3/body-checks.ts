// Digests that clients send along with a body, or with what a body makes.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32, crc32c, crc64nvme } from './crc.ts';
import { S3Error } from './s3-error.ts';

/** A digest that bytes must have. */
export interface Check {
  readonly name: string;
  readonly hash: { update(bytes: Uint8Array): unknown; digest(): Buffer };
  /** Undefined while it is to come in a trailer. */
  readonly wanted: Buffer | undefined;
}

const CHECKSUMS = {
  sha256: () => createHash('sha256'),
  sha1: () => createHash('sha1'),
  crc32,
  crc32c,
  crc64nvme,
} as const;

/** Returns what the signature says of a body, and its MD5. */
export function signedChecks(headers: IncomingHttpHeaders, payload: string): Check[] {
  const md5 = headers['content-md5'];
  return [
    ...(/^[0-9a-f]{64}$/.test(payload)
      ? [
          {
            name: 'x-amz-content-sha256',
            hash: createHash('sha256'),
            wanted: Buffer.from(payload, 'hex'),
          },
        ]
      : []),
    ...(md5 === undefined
      ? []
      : [
          {
            name: 'content-md5',
            hash: createHash('md5'),
            wanted: Buffer.from(String(md5), 'base64'),
          },
        ]),
  ];
}

/** Returns the checksums that the headers say, or announce for the trailer. */
export function checksumChecks(headers: IncomingHttpHeaders): Check[] {
  const announced = String(headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((each) => each.trim().toLowerCase());
  return Object.entries(CHECKSUMS).flatMap(([kind, make]) => {
    const name = `x-amz-checksum-${kind}`;
    const text = headers[name];
    if (text === undefined && !announced.includes(name)) {
      return [];
    }
    const wanted = text === undefined ? undefined : Buffer.from(String(text), 'base64');
    return [{ name, hash: make(), wanted }];
  });
}

/** Yields bytes and takes them into the digests. */
export async function* watched(
  source: AsyncIterable<Buffer>,
  checks: readonly Check[],
): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    for (const { hash } of checks) {
      hash.update(bytes);
    }
    yield bytes;
  }
}

/** Rejects with `BadDigest` where the bytes were others. */
export function checkAll(
  checks: readonly Check[],
  trailers: ReadonlyMap<string, string> = new Map(),
): void {
  for (const { name, hash, wanted } of checks) {
    const digest = wanted ?? Buffer.from(trailers.get(name) ?? '', 'base64');
    const found = hash.digest();
    if (digest.length !== found.length || !timingSafeEqual(digest, found)) {
      const code = name === 'x-amz-content-sha256' ? 'XAmzContentSHA256Mismatch' : 'BadDigest';
      throw new S3Error(code, `The body does not have the digest of ${name}`);
    }
  }
}

/**
 * Yields the bytes of an object that was sent in parts; rejects with `BadDigest`, before the last of them are used, where they have
 * not the checksum that its client says. Checksums of the parts' checksums say nothing that the parts did not.
 */
export async function* checkedObject(
  source: AsyncIterable<Buffer>,
  headers: IncomingHttpHeaders,
): AsyncGenerator<Buffer> {
  const isWhole = headers['x-amz-checksum-type'] !== 'COMPOSITE';
  const checks = isWhole
    ? checksumChecks(headers).filter(({ name }) => !String(headers[name]).includes('-'))
    : [];
  yield* watched(source, checks);
  checkAll(checks);
}
