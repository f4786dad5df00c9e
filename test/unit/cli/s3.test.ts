// Files from and to buckets, on a real S3 server.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Client } from 'minio';
import { parseS3 } from '../../../cli/s3-place.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { S3Files } from '../../../engine/object/s3-files.ts';
import { CuttingProxy } from '../../support/cutting-proxy.ts';
import { gather } from '../../support/pfs.ts';
import { type S3Server, startS3Server } from '../../support/s3-server.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { TestServer, TOKEN } from '../../support/server.ts';
import { runCli } from './fake-engine.ts';

const started = await startS3Server();
const skip = 'skip' in started ? started.skip : false;

describe('files in buckets', { skip }, () => {
  const s3 = started as S3Server;
  let minio: Client;
  before(() => {
    const { hostname, port } = new URL(s3.endpoint);
    minio = new Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey: s3.accessKey,
      secretKey: s3.secretKey,
      region: s3.region,
    });
  });
  after(() => s3.stop());

  async function shell(t: TestContext) {
    const server = await TestServer.start(t);
    await server.engine.repos('data');
    const folder = scratchDirectory(t);
    const bucket = await s3.createBucket();
    const pfs = (
      words: readonly string[],
      options: { endpoint?: string; env?: Record<string, string>; signal?: AbortSignal } = {},
    ) =>
      runCli(words, {
        address: `http://127.0.0.1:${server.port}`,
        env: {
          PFS_HOME: join(folder, '.home'),
          PFS_TOKEN: TOKEN,
          AWS_ACCESS_KEY_ID: s3.accessKey,
          AWS_SECRET_ACCESS_KEY: s3.secretKey,
          AWS_REGION: s3.region,
          AWS_ENDPOINT_URL: options.endpoint ?? s3.endpoint,
          ...options.env,
        },
        ...(options.signal ? { signal: options.signal } : {}),
      });
    const ok = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await pfs(words);
      assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
      return stdout;
    };
    const objects = async () => {
      const found: Record<string, Buffer> = {};
      for await (const item of minio.listObjectsV2(bucket, '', true)) {
        const { name = '' } = item as { name?: string };
        found[name] = await gather(await minio.getObject(bucket, name));
      }
      return found;
    };
    return { server, folder, bucket, pfs, ok, objects };
  }

  it('puts an object, all below a prefix, and files of this machine, in one commit', async (t) => {
    const { server, folder, bucket, ok } = await shell(t);
    const large = new SeededRandom(5).bytes(3_000_000);
    const keys: Record<string, string | Buffer> = {
      'photos/a b.txt': 'one',
      'photos/deep/er/ü?x=1.txt': 'two',
      'photos/empty': '',
      'photos/large': large,
      'photosnot/other': 'no',
    };
    for (const [key, data] of Object.entries(keys)) {
      await minio.putObject(bucket, key, data);
    }
    await minio.putObject(bucket, 'photos/marker/', '');
    const local = join(folder, 'local.txt');
    writeFileSync(local, 'here');
    await ok('put-file', 'data', 'master', '-r', '-f', `s3://${bucket}/photos`, '-f', local);
    const expected = {
      'local.txt': 'here',
      'photos/a b.txt': 'one',
      'photos/deep/er/ü?x=1.txt': 'two',
      'photos/empty': '',
      'photos/large': large.toString(),
    };
    assert.deepEqual(await server.engine.read('data'), expected);
    assert.equal((await server.engine.commit('data')).depth, 0);
    await ok('put', 'file', 'data@one:/named', '-f', `s3://${bucket}/photos/a b.txt`);
    await ok('put', 'file', 'data@one', '-f', `s3://${bucket}/photos/deep/er/ü?x=1.txt`);
    await ok('put', 'file', 'data@one:/', '-r', '-f', `s3://${bucket}/photos/deep/`);
    assert.deepEqual(await server.engine.read('data@one'), {
      'er/ü?x=1.txt': 'two',
      named: 'one',
      'ü?x=1.txt': 'two',
    });
    await ok(
      'put-file',
      'data',
      'split',
      '/l',
      '--split',
      'line',
      '-f',
      `s3://${bucket}/photos/a b.txt`,
    );
    assert.deepEqual(Object.values(await server.engine.read('data@split')), ['one']);
  });

  it('stores nothing when something is wrong with the bucket, and shows no key', async (t) => {
    const { server, bucket, pfs } = await shell(t);
    await minio.putObject(bucket, 'ok/a', '1');
    await minio.putObject(bucket, 'odd/.git/config', '1');
    const wrong: [string[], RegExp, Record<string, string>?][] = [
      [['-f', `s3://${bucket}/none`], /no such object/],
      [['-r', '-f', `s3://${bucket}/none`], /no object below/],
      [['-r', '-f', `s3://${bucket}/odd`], /"\.git"/],
      [['-f', 's3://no-such-bucket-here/x'], /does not exist/],
      [['-f', `s3://${bucket}/`], /names no object; add -r/],
      [['-f', 's3://UPPER/x'], /no name of a bucket/],
      [['-f', 'gs://bucket/x'], /http, https and s3/],
      [['-f', `s3://${bucket}/ok/a`], /credentials/, { AWS_SECRET_ACCESS_KEY: 'wrong-secret-key' }],
      [['-f', `s3://${bucket}/ok/a`], /Set both/, { AWS_SECRET_ACCESS_KEY: '' }],
    ];
    for (const [options, why, env = {}] of wrong) {
      const words = ['put-file', 'data', 'master', '/x', ...options];
      const { code, stderr } = await pfs(words, { env });
      assert.ok(code !== 0 && why.test(stderr), `${options.join(' ')}: ${stderr}`);
      assert.ok(!stderr.includes(s3.secretKey) && !stderr.includes('wrong-secret-key'));
    }
    assert.equal(server.engine.pfs.context.journal.state.branches.size, 0);
    const journal = JSON.stringify(await server.all('/journal', 100));
    assert.ok(!journal.includes(s3.accessKey) && !journal.includes(s3.secretKey));
  });

  it('reads on when the connection breaks within an object', async (t) => {
    const { server, bucket, pfs } = await shell(t);
    const large = new SeededRandom(6).bytes(3_000_000);
    await minio.putObject(bucket, 'large', large);
    const proxy = await CuttingProxy.start(t, {
      to: Number(new URL(s3.endpoint).port),
      cutAfter: [1_000_000, 300, 1_500_000],
    });
    const words = ['put-file', 'data', 'master', '-f', `s3://${bucket}/large`];
    const { code, stderr } = await pfs(words, { endpoint: proxy.address });
    assert.equal(code, 0, stderr);
    assert.ok(proxy.connections >= 4);
    assert.equal((await server.engine.read('data')).large, large.toString());
  });

  it('writes files, directories and matches into a bucket, and does not send again what is there', async (t) => {
    const { server, bucket, ok, pfs, objects } = await shell(t);
    const large = new SeededRandom(9).bytes(40_000_000);
    const files: Record<string, string | Buffer> = { 'd/a': '1', 'd/b c': '2', top: '', large };
    for (let i = 0; i < 40; i++) {
      files[`many/${i}`] = String(i);
    }
    await server.put('data', files);
    const out = JSON.parse(
      await ok('get-file', 'data', 'master', '/', '-r', '-o', `s3://${bucket}/out`, '--raw'),
    ) as Record<string, number>;
    assert.deepEqual([out.files, out.skipped], [44, 0]);
    const there = await objects();
    assert.deepEqual(
      Object.keys(there).sort(),
      Object.keys(files)
        .map((path) => `out/${path}`)
        .sort(),
    );
    assert.ok(there['out/large']?.equals(large));
    assert.equal(there['out/many/39']?.toString(), '39');

    await server.put('data', { 'd/a': 'new' });
    const again = JSON.parse(
      await ok('get-file', 'data', 'master', '/', '-r', '-o', `s3://${bucket}/out/`, '--raw'),
    ) as Record<string, number>;
    assert.deepEqual([again.files, again.skipped], [44, 43]);
    assert.equal((await objects())['out/d/a']?.toString(), 'new');

    await ok('get', 'file', 'data@master:/d/a', '-o', `s3://${bucket}/exact`);
    await ok('get', 'file', 'data@master:/d/a', '-o', `s3://${bucket}/folder/`);
    await ok('get', 'file', 'data@master:/d', '-r', '-o', `s3://${bucket}/dir`);
    await ok('get', 'file', 'data@master:/many/{1,2}', '-r', '-o', `s3://${bucket}/globbed`);
    const names = Object.keys(await objects()).filter((name) => !name.startsWith('out/'));
    assert.deepEqual(names.sort(), [
      'dir/d/a',
      'dir/d/b c',
      'exact',
      'folder/a',
      'globbed/1',
      'globbed/2',
    ]);
    for (const [words, why] of [
      [['data@master:/d', '-o', `s3://${bucket}/x`], /add -r/],
      [['data@master:/gone', '-r', '-o', `s3://${bucket}/x`], /gone/],
      [['data@master:/d/a', '--offset', '1', '-o', `s3://${bucket}/x`], /--offset/],
    ] as const) {
      const { code, stderr } = await pfs(['get', 'file', ...words]);
      assert.ok(code !== 0 && why.test(stderr), stderr);
    }
  });

  it('leaves no half object when it is broken off, and goes on in the next run', async (t) => {
    const { server, bucket, ok, pfs, objects } = await shell(t);
    const large = new SeededRandom(10).bytes(50_000_000);
    await server.put('data', { a: '1', large });
    // The upload of parts gets through in part, over and over, and is given up.
    const proxy = await slowDeath(t, s3);
    const broken = await pfs(['get-file', 'data', 'master', '/', '-r', '-o', `s3://${bucket}/x`], {
      endpoint: proxy.address,
      signal: proxy.signal,
    });
    assert.notEqual(broken.code, 0);
    assert.equal((await objects())['x/large'], undefined);
    for await (const left of minio.listIncompleteUploads(bucket, '', true)) {
      assert.fail(`parts of ${left.key} were left behind`);
    }
    await ok('get-file', 'data', 'master', '/', '-r', '-o', `s3://${bucket}/x`);
    assert.ok((await objects())['x/large']?.equals(large));
  });

  it('stores no kept link in a bucket, and says so', async (t) => {
    const { folder, bucket, ok, pfs } = await shell(t);
    const from = join(folder, 'from');
    mkdirSync(from);
    writeFileSync(join(from, 'f'), 'x');
    chmodSync(join(from, 'f'), 0o755);
    symlinkSync('f', join(from, 'link'));
    await ok('put-file', 'data', 'master', '-r', '-f', from, '--symlinks', 'keep');
    const { code, stderr } = await pfs([
      'get-file',
      'data',
      'master',
      '/',
      '-r',
      '-o',
      `s3://${bucket}/x`,
    ]);
    assert.deepEqual(
      [code, /"\/from\/link" into a bucket: it is a symbolic link/.test(stderr)],
      [2, true],
      stderr,
    );
  });

  it('an object of the wrong length is refused before it appears', async () => {
    const bucket = await s3.createBucket();
    const files = new S3Files({ ...s3, bucket, pathStyle: true });
    async function* short() {
      yield Buffer.alloc(10);
    }
    for (const size of [11, 17_000_000]) {
      await assert.rejects(files.put('k', { size, id: 'x', data: short() }), /10 bytes came/);
    }
    assert.equal(await files.head('k'), undefined);
    files.close();
  });
});

/** Lets a few requests through, then interrupts the run, as Ctrl-C does. */
async function slowDeath(t: TestContext, s3: S3Server) {
  const stop = new AbortController();
  const { port, hostname } = new URL(s3.endpoint);
  let parts = 0;
  const server = createServer((incoming, response) => {
    parts += incoming.url?.includes('partNumber') ? 1 : 0;
    if (parts >= 3) {
      stop.abort();
    }
    const { method, url, headers } = incoming;
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.on('error', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    return new Promise<void>((done) => server.close(() => done()));
  });
  const { port: own } = server.address() as { port: number };
  return { address: `http://127.0.0.1:${own}`, signal: stop.signal };
}

describe('names of places in buckets', () => {
  it('are taken as they are', () => {
    assert.deepEqual(parseS3('s3://bucket/a/b c?x=1'), {
      bucket: 'bucket',
      key: 'a/b c?x=1',
      endpoint: undefined,
      region: undefined,
      style: undefined,
    });
    const place = parseS3('s3://bucket/k?y?endpoint=http://h:1&region=eu-1');
    assert.deepEqual([place.key, place.endpoint, place.region], ['k?y', 'http://h:1', 'eu-1']);
    assert.throws(
      () => parseS3('s3://key:secret@bucket/x'),
      (error: Error) => !error.message.includes('secret@'),
    );
  });
});
