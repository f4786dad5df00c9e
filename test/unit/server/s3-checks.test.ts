// What clients of S3 send along so that nobody loses a byte: checksums, signatures of pieces, conditions.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { crc32, crc32c, crc64nvme } from '../../../engine/server/s3/crc.ts';
import { hmac, sha256 } from '../../../engine/server/s3/signature.ts';
import { ACTOR } from '../../support/pfs.ts';
import { ask, SECRET_KEY, startS3Door, type TestDoor } from '../../support/s3-door.ts';

async function start(t: Parameters<typeof startS3Door>[0]): Promise<TestDoor> {
  const door = await startS3Door(t);
  await createRepo(door.engine.pfs.context, { key: 'default/data', description: '' }, ACTOR);
  return door;
}

const KINDS = {
  sha256: () => createHash('sha256'),
  sha1: () => createHash('sha1'),
  crc32,
  crc32c,
  crc64nvme,
};

function digestOf(kind: keyof typeof KINDS, bytes: Buffer): string {
  const hash = KINDS[kind]();
  hash.update(bytes.subarray(0, 3));
  hash.update(bytes.subarray(3));
  return hash.digest().toString('base64');
}

it('the sums have the check values of their definitions, however the bytes are cut', () => {
  const bytes = Buffer.from('123456789');
  const hex = (kind: keyof typeof KINDS) =>
    Buffer.from(digestOf(kind, bytes), 'base64').toString('hex');
  assert.equal(hex('crc32'), 'cbf43926');
  assert.equal(hex('crc32c'), 'e3069283');
  assert.equal(hex('crc64nvme'), 'ae8b14860a799888');
  const long = randomBytes(100_003);
  for (const make of [crc32, crc32c, crc64nvme]) {
    const [whole, pieces] = [make(), make()];
    whole.update(long);
    for (let at = 0; at < long.length; at += 37) {
      pieces.update(long.subarray(at, at + 37));
    }
    assert.ok(whole.digest().equals(pieces.digest()));
  }
});

it('each checksum is looked at, in a header and after the body', async (t) => {
  const door = await start(t);
  const body = Buffer.from('a body that is long enough for tables');
  for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
    const name = `x-amz-checksum-${kind}`;
    const right = digestOf(kind, body);
    const wrong = digestOf(kind, Buffer.from('another body'));
    for (const [digest, status] of [
      [right, 200],
      [wrong, 400],
    ] as const) {
      const inHeader = await ask(door, 'PUT', '/master.data/k', {
        body,
        headers: { [name]: digest },
      });
      assert.equal(inHeader.status, status, `${kind}: ${inHeader.text}`);
      const after = await ask(door, 'PUT', '/master.data/k', {
        body: `${body.length.toString(16)}\r\n${body}\r\n0\r\n${name}:${digest}\r\n\r\n`,
        headers: {
          'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          'x-amz-decoded-content-length': String(body.length),
          'x-amz-trailer': name,
        },
      });
      assert.equal(after.status, status, `${kind}: ${after.text}`);
    }
  }
});

/** Cuts a body into pieces that are signed as Signature Version 4 has it. */
function signedPieces(
  pieces: readonly string[],
  options: { readonly date: Date; readonly seed: string; readonly trailer?: string },
): string {
  const date = options.date.toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const key = scope.split('/').reduce(hmac, Buffer.from(`AWS4${SECRET_KEY}`));
  let previous = options.seed;
  const sign = (kind: string, hashes: string) => {
    const text = [`AWS4-HMAC-SHA256-${kind}`, date, scope, previous, hashes].join('\n');
    previous = hmac(key, text).toString('hex');
    return previous;
  };
  const ends = options.trailer === undefined ? '' : `${options.trailer}\n`;
  const chunks = [...pieces, ''].map((piece) => {
    const signature = sign('PAYLOAD', `${sha256('')}\n${sha256(piece)}`);
    return `${piece.length.toString(16)};chunk-signature=${signature}\r\n${piece === '' ? '' : `${piece}\r\n`}`;
  });
  const trailer =
    ends === ''
      ? ''
      : `${options.trailer}\r\nx-amz-trailer-signature:${sign('TRAILER', sha256(ends))}\r\n`;
  return `${chunks.join('')}${trailer}\r\n`;
}

it('pieces that are signed one by one are taken, and none that was changed', async (t) => {
  const door = await start(t);
  const pieces = ['first ', 'second ', 'third'];
  const whole = Buffer.from(pieces.join(''));
  const trailer = `x-amz-checksum-crc64nvme:${digestOf('crc64nvme', whole)}`;
  const put = async (change: (body: string) => string, isTrailed: boolean) => {
    const date = new Date();
    return await ask(door, 'PUT', '/master.data/k', {
      date,
      body: (seed) =>
        change(signedPieces(pieces, { date, seed, ...(isTrailed ? { trailer } : {}) })),
      headers: {
        'x-amz-content-sha256': `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${isTrailed ? '-TRAILER' : ''}`,
        'x-amz-decoded-content-length': String(whole.length),
        ...(isTrailed ? { 'x-amz-trailer': 'x-amz-checksum-crc64nvme' } : {}),
      },
    });
  };
  for (const isTrailed of [false, true]) {
    const made = await put((body) => body, isTrailed);
    assert.equal(made.status, 200, made.text);
    assert.equal((await ask(door, 'GET', '/master.data/k')).text, whole.toString());
    const changed = await put((body) => body.replace('second', 'sEcond'), isTrailed);
    assert.deepEqual(
      [changed.status, /SignatureDoesNotMatch/.test(changed.text)],
      [403, true],
      changed.text,
    );
  }
  const other = await put((body) => body.replace(/crc64nvme:.{4}/, 'crc64nvme:AAAA'), true);
  assert.match(other.text, /SignatureDoesNotMatch/);
  const unknown = await ask(door, 'PUT', '/master.data/k', {
    body: '0\r\n\r\n',
    headers: {
      'x-amz-content-sha256': 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD',
      'x-amz-decoded-content-length': '0',
    },
  });
  assert.equal(unknown.status, 501);
});

it('the checksum that completes an upload is that of the object, and its conditions hold', async (t) => {
  const door = await start(t);
  const bytes = Buffer.from('the only part');
  const begin = async () => {
    const { text } = await ask(door, 'POST', '/master.data/big', { query: { uploads: '' } });
    const uploadId = /<UploadId>(\w+)</.exec(text)?.[1] ?? '';
    const query = { uploadId, partNumber: '1' };
    const { headers } = await ask(door, 'PUT', '/master.data/big', { query, body: bytes });
    return (more: Record<string, string>) =>
      ask(door, 'POST', '/master.data/big', {
        query: { uploadId },
        body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${String(headers.etag)}</ETag></Part></CompleteMultipartUpload>`,
        headers: more,
      });
  };
  const name = 'x-amz-checksum-crc64nvme';
  const complete = await begin();
  const wrong = await complete({ [name]: digestOf('crc64nvme', Buffer.from('another')) });
  assert.deepEqual([wrong.status, /BadDigest/.test(wrong.text)], [400, true], wrong.text);
  const right = { [name]: digestOf('crc64nvme', bytes), 'x-amz-checksum-type': 'FULL_OBJECT' };
  assert.equal((await complete({ ...right, 'if-none-match': '*' })).status, 200);
  const second = await begin();
  assert.equal((await second({ 'if-none-match': '*' })).status, 412);
  const composite = { 'x-amz-checksum-crc32': 'AAAAAA==-1', 'x-amz-checksum-type': 'COMPOSITE' };
  assert.equal((await second(composite)).status, 200);
});

it('reads have the conditions, ranges and parts of HTTP', async (t) => {
  const door = await start(t);
  await door.client.putObject('master.data', 'k', '0123456789');
  const head = await ask(door, 'HEAD', '/master.data/k');
  const etag = String(head.headers.etag);
  const since = String(head.headers['last-modified']);
  const get = async (headers: Record<string, string>, query: Record<string, string> = {}) => {
    const { status, text } = await ask(door, 'GET', '/master.data/k', { headers, query });
    return `${status} ${text}`;
  };
  assert.equal(await get({ range: 'bytes=2-4' }), '206 234');
  assert.equal(await get({ range: 'bytes=-3' }), '206 789');
  assert.equal(await get({ range: 'bytes=8-100' }), '206 89');
  assert.equal(await get({ range: 'bytes=4-2' }), '200 0123456789');
  assert.match(await get({ range: 'bytes=10-' }), /^416 .*InvalidRange/s);
  assert.match(await get({ range: 'bytes=-0' }), /^416 /);
  assert.equal(await get({ range: 'bytes=0-0', 'if-range': etag }), '206 0');
  assert.equal(await get({ range: 'bytes=0-0', 'if-range': since }), '206 0');
  assert.equal(await get({ range: 'bytes=0-0', 'if-range': '"other"' }), '200 0123456789');
  assert.equal(await get({ 'if-none-match': `W/${etag}` }), '304 ');
  assert.equal(await get({ 'if-modified-since': since }), '304 ');
  assert.equal(
    await get({ 'if-modified-since': since, 'if-none-match': '"other"' }),
    '200 0123456789',
  );
  assert.match(await get({ 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }), /^412/);
  assert.equal(await get({}, { partNumber: '1' }), '200 0123456789');
  assert.match(await get({}, { partNumber: '2' }), /^416 .*InvalidPartNumber/s);
  assert.match(await get({}, { attributes: '' }), /<ObjectSize>10<\/ObjectSize>/);
});

it('listings refuse what has no meaning, and show nothing where nothing is asked for', async (t) => {
  const door = await start(t);
  for (const key of ['a b', 'd/e', 'z']) {
    await door.client.putObject('master.data', key, key);
  }
  const list = async (query: Record<string, string>) =>
    (await ask(door, 'GET', '/master.data', { query })).text;
  const v2 = { 'list-type': '2' };
  const none = await list({ ...v2, 'max-keys': '0' });
  assert.match(none, /<KeyCount>0<\/KeyCount>/);
  assert.match(none, /<IsTruncated>false<\/IsTruncated>/);
  assert.match(await list({ ...v2, 'max-keys': '5000' }), /<MaxKeys>1000<\/MaxKeys>/);
  for (const wrong of [
    { 'max-keys': '-1' },
    { 'max-keys': 'x' },
    { 'encoding-type': 'base64' },
    { ...v2, 'continuation-token': '' },
    { ...v2, 'continuation-token': 'AAAA' },
  ]) {
    assert.match(await list(wrong), /InvalidArgument/, JSON.stringify(wrong));
  }
  assert.match(await list({ 'encoding-type': 'url' }), /<Key>a%20b<\/Key>/);
  const v1 = await list({ 'max-keys': '1', delimiter: '/' });
  assert.match(v1, /<NextMarker>a b<\/NextMarker>/);
  assert.match(v1, /<Owner><ID>pfs/);
  const second = await list({ 'max-keys': '1', delimiter: '/', marker: 'a b' });
  assert.match(second, /<CommonPrefixes><Prefix>d\/<\/Prefix>.*|<NextMarker>d\/</);
  assert.match(await list({ 'max-keys': '1', delimiter: '/', marker: 'd/' }), /<Key>z<\/Key>/);
  assert.doesNotMatch(await list(v2), /<Owner>/);
  assert.match(await list({ ...v2, 'fetch-owner': 'true' }), /<Owner>/);
  const settings: [string, RegExp][] = [
    ['notification', /<NotificationConfiguration/],
    ['logging', /<BucketLoggingStatus/],
    ['versioning', /<Status>Enabled/],
    ['publicAccessBlock', /NoSuchPublicAccessBlockConfiguration/],
    ['ownershipControls', /OwnershipControlsNotFoundError/],
  ];
  for (const [name, says] of settings) {
    assert.match(await list({ [name]: '' }), says);
  }
});
