// The door for S3, with a client of that protocol and, for what clients never send, requests made by hand.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import type { Client } from 'minio';
import { SeededRandom } from '../../../engine/base/random.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { listCommits } from '../../../engine/pfs/commit-list.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { sha256 } from '../../../engine/server/s3/signature.ts';
import { ACTOR } from '../../support/pfs.ts';
import { type AskOptions, ask, startS3Door, type TestDoor } from '../../support/s3-door.ts';
import { chosenSeed } from '../../support/seed.ts';

type Test = Parameters<typeof startS3Door>[0];

async function start(t: Test, ...repos: readonly string[]): Promise<TestDoor> {
  const door = await startS3Door(t);
  for (const name of repos.length === 0 ? ['data'] : repos) {
    await createRepo(door.engine.pfs.context, { key: `default/${name}`, description: '' }, ACTOR);
  }
  return door;
}

async function read(client: Client, bucket: string, key: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await client.getObject(bucket, key)) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

async function keys(client: Client, bucket: string, prefix = '', recursive = true) {
  const found: string[] = [];
  for await (const item of client.listObjectsV2(bucket, prefix, recursive)) {
    const { name, prefix: common } = item as { name?: string; prefix?: string };
    found.push(name ?? common ?? '');
  }
  return found;
}

async function countCommits({ engine }: TestDoor, repo = 'data'): Promise<number> {
  let count = 0;
  for await (const _ of listCommits(engine.pfs.context, `default/${repo}`)) {
    count += 1;
  }
  return count;
}

it('what is put is got, each put a commit; what was is got by its version', async (t) => {
  const door = await start(t);
  const { client } = door;
  const large = randomBytes(12_000_000);
  const first = await client.putObject('master.data', 'a b/ü+%.txt', 'one');
  await client.putObject('master.data', 'a b/ü+%.txt', 'two');
  await client.putObject('master.data', 'large', large);
  assert.equal((await read(client, 'master.data', 'a b/ü+%.txt')).toString(), 'two');
  assert.ok((await read(client, 'master.data', 'large')).equals(large));
  assert.equal(await countCommits(door), 3);
  const version = first.versionId ?? '';
  assert.equal((await read(client, `${version}.data`, 'a b/ü+%.txt')).toString(), 'one');
  const old = await client.getObject('master.data', 'a b/ü+%.txt', { versionId: version });
  assert.equal((await old.toArray()).join(''), 'one');
  const part = await client.getPartialObject('master.data', 'large', 5_000_000, 100);
  assert.ok(Buffer.concat(await part.toArray()).equals(large.subarray(5_000_000, 5_000_100)));
  const { size, etag } = await client.statObject('master.data', 'large');
  assert.equal(size, large.length);
  const { context } = door.engine.pfs;
  const { tree } = await resolveCommit(context, 'default/data', 'master');
  const entries = await context.objects.readTree(tree ?? '');
  assert.equal(entries.find(({ name }) => name === 'large')?.id, etag, 'the ETag is the blob');
  assert.deepEqual(door.faults, []);
});

it('writes join the commit that is open on the branch', async (t) => {
  const door = await start(t);
  const { context } = door.engine.pfs;
  const into = { repo: 'default/data', branch: 'master', description: '' };
  const { id } = await startCommit(context, into, ACTOR);
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => door.client.putObject('master.data', `f${n}`, `${n}`)),
  );
  await door.client.removeObject('master.data', 'f3');
  assert.equal((await keys(door.client, 'master.data')).length, 19);
  await finishCommit(context, { repo: 'default/data', ref: id }, ACTOR);
  assert.equal(await countCommits(door), 1);
  assert.equal((await read(door.client, 'master.data', 'f7')).toString(), '7');
});

it('buckets are branches: listed, made, and deleted while they are empty', async (t) => {
  const door = await start(t);
  const { client } = door;
  await client.makeBucket('dev.fresh');
  await client.putObject('dev.fresh', 'x', 'x');
  await client.putObject('new.data', 'y', 'y');
  const buckets = await client.listBuckets();
  assert.deepEqual(
    buckets.map(({ name }) => name),
    ['dev.fresh', 'new.data'],
  );
  assert.equal(await client.bucketExists('master.data'), true);
  assert.equal(await client.bucketExists('nothing.data'), false);
  await assert.rejects(client.makeBucket('dev.fresh'), { code: 'BucketAlreadyOwnedByYou' });
  await assert.rejects(client.removeBucket('dev.fresh'), { code: 'BucketNotEmpty' });
  await client.removeObject('dev.fresh', 'x');
  await client.removeBucket('dev.fresh');
  await assert.rejects(keys(client, 'dev.fresh'), { code: 'NoSuchBucket' });
  await assert.rejects(client.putObject('dev.none', 'x', 'x'), { code: 'NoSuchBucket' });
});

it('listings are those of S3, whatever prefix, delimiter, page and place they begin at', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const door = await start(t);
  const { context } = door.engine.pfs;
  const names = ['a', 'a.b', 'a-b', 'ab', 'ü', 'B', '\u{1f600}', '\uffee', 'a b'];
  const all = new Set<string>();
  while (all.size < 60) {
    const depth = 1 + below(3);
    const key = Array.from({ length: depth }, () => names[below(names.length)]).join('/');
    const isFree = ![...all].some((one) => one.startsWith(`${key}/`) || key.startsWith(`${one}/`));
    if (isFree) {
      all.add(key);
    }
  }
  await startCommit(context, { repo: 'default/data', branch: 'master', description: '' }, ACTOR);
  await Promise.all([...all].map((key) => door.client.putObject('master.data', key, key)));
  await finishCommit(context, { repo: 'default/data', ref: 'master' }, ACTOR);
  const order = (list: Iterable<string>) =>
    [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (let round = 0; round < 60; round++) {
    const some = [...all][below(all.size)] ?? '';
    const prefix = below(2) === 0 ? '' : [...some].slice(0, below(some.length + 1)).join('');
    const delimiter = ['', '/', '/', 'b', '-'][below(5)] ?? '';
    const after = below(2) === 0 ? '' : ([...all][below(all.size)] ?? '');
    const wanted = new Set<string>();
    for (const key of order(all)) {
      if (key.startsWith(prefix) && Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0) {
        const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
        const item = end < 0 ? key : key.slice(0, end + delimiter.length);
        if (end < 0 || Buffer.compare(Buffer.from(item), Buffer.from(after)) > 0) {
          wanted.add(item);
        }
      }
    }
    const query = { prefix, delimiter, 'start-after': after, 'max-keys': String(1 + below(9)) };
    const found = await listPages(door, query);
    assert.deepEqual(found, [...wanted], `${JSON.stringify(query)} in round ${round}`);
  }
});

async function listPages(door: TestDoor, query: Readonly<Record<string, string>>) {
  const found: string[] = [];
  for (let token = ''; ; ) {
    const more = token === '' ? {} : { 'continuation-token': token };
    const { status, text } = await ask(door, 'GET', '/master.data', {
      query: { 'list-type': '2', ...query, ...more },
    });
    assert.equal(status, 200, text);
    const decode = (part: string) =>
      part.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    const items = [...text.matchAll(/<Key>(.*?)<\/Key>|<CommonPrefixes><Prefix>(.*?)<\/Prefix>/g)];
    const page = items.map(([, key, prefix]) => decode(key ?? prefix ?? ''));
    found.push(...page.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    const next = /<NextContinuationToken>(.*?)</.exec(text)?.[1];
    if (next === undefined) {
      return found;
    }
    token = next;
  }
}

it('conditions hold for reads, and for writes also when many come at once', async (t) => {
  const door = await start(t);
  const { client } = door;
  await client.putObject('master.data', 'k', 'one');
  const { etag } = await client.statObject('master.data', 'k');
  const get = (headers: Record<string, string>) => ask(door, 'GET', '/master.data/k', { headers });
  assert.equal((await get({ 'if-none-match': `"${etag}"` })).status, 304);
  assert.equal((await get({ 'if-match': '"other"' })).status, 412);
  assert.equal((await get({ range: 'bytes=1-' })).text, 'ne');
  assert.equal((await get({ range: 'bytes=9-' })).status, 416);
  const put = (key: string, body: string, headers: Record<string, string>) =>
    ask(door, 'PUT', `/master.data/${key}`, { body, headers });
  assert.equal((await put('k', 'x', { 'if-none-match': '*' })).status, 412);
  assert.equal((await put('k', 'x', { 'if-match': '"other"' })).status, 412);
  // A weak tag does not say that the bytes are the same: it may keep from writing, and never allows it.
  assert.equal((await put('k', 'x', { 'if-match': `W/"${etag}"` })).status, 412);
  assert.equal((await put('k', 'x', { 'if-none-match': `W/"${etag}"` })).status, 412);
  const copy = (match: string) =>
    put('copy', '', {
      'x-amz-copy-source': '/master.data/k',
      'x-amz-copy-source-if-match': match,
    });
  assert.equal((await copy(`W/"${etag}"`)).status, 412);
  assert.equal((await copy(`"other", "${etag}"`)).status, 200);
  assert.equal((await put('k', 'two', { 'if-match': `"${etag}"` })).status, 200);
  const tries = Array.from({ length: 16 }, (_, n) => put('once', `${n}`, { 'if-none-match': '*' }));
  const won = (await Promise.all(tries)).filter(({ status }) => status === 200);
  assert.equal(won.length, 1);
});

it('conditions hold for copies and deletions too', async (t) => {
  const door = await start(t);
  await door.client.putObject('master.data', 'a', 'a');
  await door.client.putObject('master.data', 'b', 'b');
  const copy = await ask(door, 'PUT', '/master.data/b', {
    headers: { 'x-amz-copy-source': '/master.data/a', 'if-none-match': '*' },
  });
  assert.equal(copy.status, 412);
  const deletion = (etag: string) =>
    ask(door, 'DELETE', '/master.data/b', { headers: { 'if-match': `"${etag}"` } });
  assert.equal((await deletion('other')).status, 412);
  assert.equal((await read(door.client, 'master.data', 'b')).toString(), 'b');
  const { etag } = await door.client.statObject('master.data', 'b');
  assert.equal((await deletion(etag)).status, 204);
});

it('a URL that allows a write allows no copy', async (t) => {
  const door = await start(t, 'data', 'secret');
  await door.client.putObject('master.secret', 'a', 'secret');
  const url = await door.client.presignedPutObject('master.data', 'a', 60);
  const headers = { 'x-amz-copy-source': '/master.secret/a' };
  const copy = await fetch(url, { method: 'PUT', headers });
  assert.equal(copy.status, 403);
  assert.match(await copy.text(), /x-amz-copy-source must be signed/);
  assert.equal((await fetch(url, { method: 'PUT', body: 'mine' })).status, 200);
});

it('an upload in parts is one commit once it is complete, and survives a restart before', async (t) => {
  const first = await start(t);
  const id = await begin(first);
  const parts = [randomBytes(6_000_000), randomBytes(6_000_000), randomBytes(10)];
  const put = async (door: TestDoor, number: number) => {
    const { status, headers } = await ask(door, 'PUT', '/master.data/big', {
      query: { uploadId: id, partNumber: String(number) },
      body: parts[number - 1] ?? '',
    });
    assert.equal(status, 200);
    return String(headers.etag);
  };
  const etags = [await put(first, 1), await put(first, 2)];
  const door = await first.reopen();
  etags.push(await put(door, 3));
  assert.equal(await countCommits(door), 0);
  const document = (numbers: readonly number[]) =>
    `<CompleteMultipartUpload>${numbers
      .map((n) => `<Part><PartNumber>${n}</PartNumber><ETag>${etags[n - 1]}</ETag></Part>`)
      .join('')}</CompleteMultipartUpload>`;
  const complete = (body: string) =>
    ask(door, 'POST', '/master.data/big', { query: { uploadId: id }, body });
  assert.match((await complete(document([2, 1]))).text, /InvalidPartOrder/);
  assert.match((await complete(document([1, 2, 3, 4]))).text, /InvalidPart/);
  assert.equal((await complete(document([1, 2, 3]))).status, 200);
  assert.ok((await read(door.client, 'master.data', 'big')).equals(Buffer.concat(parts)));
  assert.equal(await countCommits(door), 1);
  assert.match((await complete(document([1, 2, 3]))).text, /NoSuchUpload/);
});

async function begin(door: TestDoor): Promise<string> {
  const { text } = await ask(door, 'POST', '/master.data/big', { query: { uploads: '' } });
  return /<UploadId>(\w+)</.exec(text)?.[1] ?? '';
}

it('copies move no bytes; many keys are deleted in one commit', async (t) => {
  const door = await start(t, 'data', 'other');
  const { client } = door;
  await client.putObject('master.data', 'd/a', randomBytes(3_000_000));
  const packs = door.engine.pfs.context.journal.state.packs.size;
  const { status } = await ask(door, 'PUT', '/master.other/copied', {
    headers: { 'x-amz-copy-source': '/master.data/d/a' },
  });
  assert.equal(status, 200);
  assert.ok(
    (await read(client, 'master.other', 'copied')).equals(await read(client, 'master.data', 'd/a')),
  );
  assert.ok(door.engine.pfs.context.journal.state.packs.size <= packs + 1);
  await client.putObject('master.data', 'd/b', 'b');
  const before = await countCommits(door);
  await client.removeObjects('master.data', ['d/a', 'd/b', 'absent']);
  assert.deepEqual(await keys(client, 'master.data'), []);
  assert.equal(await countCommits(door), before + 1);
});

it('outputs, tags and commits can be read and not be written', async (t) => {
  const door = await start(t);
  const { context } = door.engine.pfs;
  await door.client.putObject('master.data', 'a', '1');
  await door.engine.pipeline({ name: 'copy', input: 'data' });
  await assert.rejects(door.client.putObject('master.copy', 'x', 'x'), { code: 'AccessDenied' });
  const { id } = await resolveCommit(context, 'default/data', 'master');
  await assert.rejects(door.client.putObject(`${id}.data`, 'x', 'x'), { code: 'AccessDenied' });
  await putBranch(context, { repo: 'default/data', branch: 'old', head: id }, ACTOR);
  await assert.rejects(door.client.putObject('master.data', 'a/b/../c', 'x'), {
    code: 'InvalidArgument',
  });
});

it('who does not know the secret, comes too late, or sends other bytes than were signed, is refused', async (t) => {
  const door = await start(t);
  await door.client.putObject('master.data', 'a', '1');
  const url = await door.client.presignedGetObject('master.data', 'a', 60);
  assert.equal(await (await fetch(url)).text(), '1');
  assert.equal((await fetch(url.replace('/a?', '/b?'))).status, 403);
  assert.equal((await fetch(`${door.address}/master.data/a`)).status, 403);
  const get = (options: AskOptions) => ask(door, 'GET', '/master.data/a', options);
  assert.match((await get({ secret: 'wrong' })).text, /SignatureDoesNotMatch/);
  assert.match((await get({ accessKey: 'nobody' })).text, /InvalidAccessKeyId/);
  const old = new Date(Date.now() - 20 * 60_000);
  assert.match((await get({ date: old })).text, /RequestTimeTooSkewed/);
  const lied = await ask(door, 'PUT', '/master.data/a', {
    body: 'other',
    headers: { 'x-amz-content-sha256': sha256('signed') },
  });
  assert.match(lied.text, /XAmzContentSHA256Mismatch/);
  const digest = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  assert.match(
    (await ask(door, 'PUT', '/master.data/a', { body: 'x', headers: digest })).text,
    /BadDigest/,
  );
  assert.equal((await read(door.client, 'master.data', 'a')).toString(), '1');
  const broken = await ask(door, 'POST', '/master.data', { query: { delete: '' }, body: '<a><b' });
  assert.match(broken.text, /MalformedXML/);
  assert.deepEqual(door.faults, []);
});
