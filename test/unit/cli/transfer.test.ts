// Files on their way in and out, as the command line sends and gets them: against the API, on real files.

import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { SeededRandom } from '../../../engine/base/random.ts';
import { BYTES_TYPE } from '../../../engine/server/wire.ts';
import { CuttingProxy } from '../../support/cutting-proxy.ts';
import { counts } from '../../support/engine.ts';
import { gather } from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { frames, TestServer, TOKEN } from '../../support/server.ts';
import { FakeEngine, runCli } from './fake-engine.ts';

async function shell(t: TestContext) {
  const server = await TestServer.start(t);
  const folder = scratchDirectory(t);
  const pfs = (words: readonly string[], options: { stdin?: Uint8Array; address?: string } = {}) =>
    runCli(words, {
      address: options.address ?? `http://127.0.0.1:${server.port}`,
      env: { PFS_HOME: join(folder, '.home'), PFS_TOKEN: TOKEN },
      ...(options.stdin ? { stdin: options.stdin } : {}),
    });
  const ok = async (words: readonly string[], stdin?: Uint8Array) => {
    const { code, stdout, stderr } = await pfs(words, stdin ? { stdin } : {});
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  await server.engine.repos('data');
  return { server, folder, pfs, ok };
}

it('splits a CSV into pieces that each have the header', async (t) => {
  const { server, folder, ok, pfs } = await shell(t);
  writeFileSync(join(folder, 'rows.csv'), 'id\n1\n2\n3\n');
  const put = ['put-file', 'data', 'master', '/rows', '--split', 'csv', '--header-records', '1'];
  await ok([...put, '--target-file-datums', '2', '-f', join(folder, 'rows.csv')]);
  await ok([...put, '-a', '-f', '-'], Buffer.from('id\n4\n'));
  assert.deepEqual(await server.engine.read('data'), {
    'rows/0000000000000000': 'id\n1\n2\n',
    'rows/0000000000000001': 'id\n3\n',
    'rows/0000000000000002': 'id\n4\n',
  });
  const wrong: [string[], RegExp][] = [
    [['--split', 'xml'], /line, json or csv/],
    [['--header-records', '1'], /goes with --split/],
    [['--split', 'line', '--header-records', '1'], /only csv/],
    [['--split', 'line', '--untar'], /do not go together/],
    [['--symlinks', 'maybe'], /follow, keep or refuse/],
  ];
  for (const [options, why] of wrong) {
    const { code, stderr } = await pfs(['put-file', 'data', 'master', '/x', ...options, '-f', '-']);
    assert.deepEqual([code, why.test(stderr)], [2, true], stderr);
  }
});

it('unpacks archives, from a file and from standard input', async (t) => {
  const { server, folder, ok } = await shell(t);
  const archive = pack();
  archive.entry({ name: 'd/a' }, 'one');
  archive.entry({ name: 'run', mode: 0o755 }, 'two');
  archive.finalize();
  const tar = await gather(archive as AsyncIterable<Buffer>);
  writeFileSync(join(folder, 'x.tar.gz'), gzipSync(tar));
  await ok(['put', 'file', 'data@master', '--untar', '-f', join(folder, 'x.tar.gz')]);
  await ok(['put', 'file', 'data@master:/in', '--untar', '-f', '-'], tar);
  assert.deepEqual(await server.engine.read('data'), {
    'd/a': 'one',
    run: 'two',
    'in/d/a': 'one',
    'in/run': 'two',
  });
});

it('compresses what is sent, not what is stored', async (t) => {
  const { server, folder, ok } = await shell(t);
  const fake = await FakeEngine.start();
  t.after(() => fake.stop());
  for (let i = 0; i < 300; i++) {
    writeFileSync(join(folder, `f${i}`), `${i} `.repeat(1000));
  }
  writeFileSync(join(folder, 'large'), Buffer.alloc(3_000_000, 'ab'));
  await ok(['put-file', 'data', 'master', '--compress', '-r', '-f', folder, '/']);
  const files = await server.engine.read('data');
  assert.equal(Object.keys(files).length, 301);
  assert.equal(files.f299, '299 '.repeat(1000));
  assert.equal(files.large?.length, 3_000_000);
  const { code } = await runCli(['put-file', 'data', 'master', '--compress', '-r', '-f', folder], {
    address: fake.address,
  });
  const [seen] = fake.seen;
  assert.deepEqual([code, seen?.headers['content-encoding']], [0, 'gzip']);
  assert.ok((seen?.body.length ?? Infinity) < 200_000);
  assert.ok(gunzipSync(seen?.body ?? Buffer.alloc(0)).length > 3_000_000);
});

it('the API takes one file as it is, gzipped too, and nothing of a body that is cut', async (t) => {
  const { server } = await shell(t);
  const send = (query: string, body: Buffer, headers = {}) =>
    server.ask('POST', `/repos/default/data/files/master?path=/f${query}`, {
      headers: { 'content-type': BYTES_TYPE, ...headers },
      body,
    });
  const gzip = { 'content-encoding': 'gzip' };
  const large = Buffer.alloc(9_000_000, 'x');
  assert.equal((await send('', large)).status, 200);
  assert.equal((await server.engine.read('data')).f?.length, 9_000_000);
  assert.equal((await send('&split=line', gzipSync(Buffer.from('a\nb\n')), gzip)).status, 200);
  assert.deepEqual(Object.values(await server.engine.read('data')), ['a\n', 'b\n']);
  const { id } = await server.engine.commit('data');
  const cut = gzipSync(frames({ a: 'x'.repeat(100_000) })).subarray(0, 60);
  for (const answer of [
    await send('', cut, gzip),
    await send('', Buffer.from('no gzip'), gzip),
    await send('', Buffer.from('x'), { 'content-encoding': 'br' }),
    await send('&split=line&bytes=x', Buffer.from('x')),
    await send('&datums=2', Buffer.from('x')),
    await send('&symlinks=no', Buffer.from('x')),
  ]) {
    assert.equal(answer.status, 400, answer.text);
  }
  assert.equal((await server.engine.commit('data')).id, id);
});

it('follows, keeps or refuses symbolic links, and never loses one', async (t) => {
  const { server, folder, ok, pfs } = await shell(t);
  const from = join(folder, 'from');
  mkdirSync(join(from, 'd'), { recursive: true });
  writeFileSync(join(from, 'd', 'file'), 'content');
  symlinkSync('d/file', join(from, 'link'));
  symlinkSync('d', join(from, 'dir'));
  const put = (...options: string[]) => [
    'put-file',
    'data',
    'master',
    '/',
    '-r',
    '-f',
    from,
    ...options,
  ];
  await ok(put());
  const copies = { 'd/file': 'content', 'dir/file': 'content', link: 'content' };
  assert.deepEqual(await server.engine.read('data'), copies);

  symlinkSync('nowhere', join(from, 'd', 'dangling'));
  symlinkSync('..', join(from, 'd', 'up'));
  const followed = await pfs(put());
  assert.deepEqual(
    [followed.code, /dangling".*leads nowhere.*--symlinks keep/.test(followed.stderr)],
    [1, true],
  );
  const refused = await pfs(put('--symlinks', 'refuse'));
  assert.match(refused.stderr, /"[^"]*d\/dangling": it is a symbolic link to "nowhere"/);
  assert.deepEqual(await server.engine.read('data'), copies, 'nothing of it was stored');

  await ok(['delete-file', 'data', 'master', '/']);
  await ok(put('--symlinks', 'keep'));
  const files = await server.engine.read('data');
  assert.deepEqual(files, {
    'd/dangling': 'nowhere',
    'd/file': 'content',
    'd/up': '..',
    dir: 'd',
    link: 'd/file',
  });
  const to = join(folder, 'to');
  await ok(['get-file', 'data', 'master', '/', '-r', '-o', to]);
  assert.deepEqual(
    ['d/dangling', 'd/up', 'dir', 'link'].map((name) => readlinkSync(join(to, name))),
    ['nowhere', '..', 'd', 'd/file'],
  );
  assert.equal(readFileSync(join(to, 'link'), 'utf8'), 'content');
  assert.match(await ok(['inspect', 'file', 'data@master:/link']), /symbolic link/);
  const got = await pfs(['get', 'file', 'data@master:/link']);
  assert.match(got.stderr, /it is a symbolic link/);
  const diff = await ok(['diff', 'file', 'data@master:/', 'data@master^:/']);
  assert.match(diff, /new file mode 120000[\s\S]*\+nowhere\n\\ No newline/);
  const exported = join(folder, 'x.git');
  await ok(['export-repo', 'data', exported]);
  const { execFileSync } = await import('node:child_process');
  const clone = join(folder, 'clone');
  execFileSync('git', ['clone', '-q', exported, clone], { stdio: 'pipe' });
  execFileSync('git', ['-C', exported, 'fsck', '--strict'], { stdio: 'pipe' });
  assert.deepEqual(
    [readlinkSync(join(clone, 'link')), lstatSync(join(clone, 'd', 'dangling')).isSymbolicLink()],
    ['d/file', true],
  );
});

it('a datum with a kept link fails and says why; others of the job run', async (t) => {
  const { server, folder, ok } = await shell(t);
  const { engine } = server;
  const from = join(folder, 'from');
  mkdirSync(join(from, 'a'), { recursive: true });
  mkdirSync(join(from, 'b'));
  writeFileSync(join(from, 'a', 'file'), 'x');
  symlinkSync('../a/file', join(from, 'b', 'link'));
  await ok(['put-file', 'data', 'master', '/', '-r', '--symlinks', 'keep', '-f', from]);
  await engine.pipeline({ name: 'copy', input: 'data', datum_tries: 1 });
  const job = await engine.done('copy');
  assert.deepEqual([job.state, counts(job)], ['failure', '1/0/1 of 2']);
  assert.match(job.reason, /data:\/b\/?\) failed: .*"link": it is a symbolic link that was kept/);
});

it('puts a directory given as . or with a slash, odd names, modes and sparse files; several sources are one commit', async (t) => {
  const { server, folder, ok, pfs } = await shell(t);
  const from = join(folder, 'from');
  mkdirSync(join(from, 'sub'), { recursive: true });
  const names = [
    'with space',
    '[a-z]*?',
    '{x,y}',
    'é-nfc',
    'e\u0301-nfd',
    '日本',
    '-dash',
    '\ufffd',
  ];
  for (const name of names) {
    writeFileSync(join(from, 'sub', name), name);
  }
  writeFileSync(join(from, 'run'), '#!/bin/sh\n');
  chmodSync(join(from, 'run'), 0o755);
  writeFileSync(join(from, 'sparse'), '');
  truncateSync(join(from, 'sparse'), 40_000_000);
  const before = process.cwd();
  process.chdir(from);
  try {
    await ok(['put-file', 'data', 'dot', '-r', '-f', '.']);
  } finally {
    process.chdir(before);
  }
  await ok(['put-file', 'data', 'slash', '-r', '-f', `${from}/`]);
  const dot = await server.engine.read('data@dot');
  const slash = await server.engine.read('data@slash');
  assert.deepEqual(
    Object.keys(dot).sort(),
    ['run', 'sparse', ...names.map((name) => `sub/${name}`)].sort(),
  );
  assert.deepEqual(
    Object.keys(slash).sort(),
    Object.keys(dot)
      .map((path) => `from/${path}`)
      .sort(),
  );
  const to = join(folder, 'to');
  await ok(['get-file', 'data', 'dot', '/', '-r', '-o', to]);
  for (const name of names) {
    assert.equal(readFileSync(join(to, 'sub', name), 'utf8'), name);
  }
  assert.deepEqual(
    [statSync(join(to, 'run')).mode & 0o111, statSync(join(to, 'sub', '-dash')).mode & 0o111],
    [0o111 & ~process.umask(), 0],
  );
  assert.equal(statSync(join(to, 'sparse')).size, 40_000_000);

  await ok([
    'put-file',
    'data',
    'several',
    '-f',
    join(from, 'run'),
    '-f',
    `${from}/sub/日本`,
    '-r',
    '-f',
    join(from, 'sub'),
  ]);
  assert.equal((await server.engine.commit('data@several')).depth, 0);
  assert.equal(Object.keys(await server.engine.read('data@several')).length, 2 + names.length);

  const bad = Buffer.concat([Buffer.from(`${from}/sub/caf`), Buffer.from([0xe9])]);
  writeFileSync(bad, 'x');
  const { code, stderr } = await pfs(['put-file', 'data', 'bad', '-r', '-f', from]);
  assert.deepEqual(
    [code, stderr.includes('/sub/caf\\xe9": its name is not valid UTF-8')],
    [1, true],
    stderr,
  );
  const missing = await pfs([
    'put-file',
    'data',
    'bad',
    '-f',
    join(from, 'run'),
    '-f',
    join(from, 'gone'),
  ]);
  assert.match(missing.stderr, /gone": it does not exist/);
  assert.equal(server.engine.pfs.context.journal.state.branches.has('default/data@bad'), false);
});

it('gets what comes after an offset', async (t) => {
  const { server, folder, ok, pfs } = await shell(t);
  await server.put('data', { f: '0123456789', g: 'x' });
  assert.equal(await ok(['get', 'file', 'data@master:/f', '--offset', '4']), '456789');
  await ok(['get', 'file', 'data@master:/f', '--offset', '8', '-o', join(folder, 'tail')]);
  assert.equal(readFileSync(join(folder, 'tail'), 'utf8'), '89');
  for (const [words, why] of [
    [['data@master:/f', '--offset', '20'], /has 10 bytes/],
    [['data@master:/*', '--offset', '2'], /several/],
    [['data@master:/', '-r', '--offset', '2'], /leave out -r/],
    [['data@master:/f', '--retry'], /-o/],
  ] as const) {
    const { code, stderr } = await pfs(['get', 'file', ...words]);
    assert.deepEqual([code, why.test(stderr)], [2, true], stderr);
  }
});

it('goes on where a broken download stopped, at once or the next time, and never mixes versions', async (t) => {
  const { server, folder, pfs } = await shell(t);
  const content = new SeededRandom(7).bytes(3_000_000);
  await server.put('data', { f: content });
  const file = join(folder, 'out');
  const get = (cutAfter: readonly number[], ...options: string[]) =>
    CuttingProxy.start(t, { to: server.port, cutAfter }).then(async (proxy) => ({
      ...(await pfs(['get', 'file', 'data@master:/f', '-o', file, ...options], {
        address: proxy.address,
      })),
      connections: proxy.connections,
    }));
  const through = await get([500_000, 1_200_000]);
  assert.equal(through.code, 0, through.stderr);
  assert.ok(through.connections >= 3);
  assert.ok(readFileSync(file).equals(content));

  const broken = await get([900_000, ...Array<number>(20).fill(100)], '--retry');
  assert.equal(broken.code, 5);
  const part = readdirSync(folder).find((name) => name.endsWith('.pfs-part')) ?? '';
  assert.ok(statSync(join(folder, part)).size > 500_000);
  const rest = await get([2_500_000, ...Array<number>(20).fill(100)], '--retry');
  assert.equal(rest.code, 0, `the rest is less than what breaks it: ${rest.stderr}`);
  assert.ok(readFileSync(file).equals(content));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.pfs-part')),
    [],
  );

  await get([900_000, ...Array<number>(20).fill(100)], '--retry');
  const other = new SeededRandom(8).bytes(3_000_000);
  await server.put('data', { f: other });
  assert.equal((await get([], '--retry')).code, 0);
  assert.ok(readFileSync(file).equals(other));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.pfs-part')),
    [],
  );
});
