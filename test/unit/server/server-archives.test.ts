// Directories as archives, read by the programs that people have.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { SeededRandom } from '../../../engine/base/random.ts';
import { archiveOf } from '../../../engine/server/archives.ts';
import {
  encodeFrameEnd,
  encodeFrameHeader,
  FRAME_LINK,
  type OutgoingFile,
} from '../../../engine/server/frames.ts';
import { API_PREFIX, ARCHIVE_FORMATS, FRAMES_TYPE } from '../../../engine/server/wire.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { readAll, TestServer } from '../../support/server.ts';

type Test = Parameters<typeof TestServer.start>[0];

const FILES = '/repos/default/r/files/master';
/** Each is the name of a file. */
const ODD = [
  'a name with spaces',
  ' led by one, and so ended ',
  'Übung.txt',
  '日本語.txt',
  '🦊 emoji',
  'e\u0301 apart',
  `${'long'.repeat(55)}.txt`,
  'c:colon',
  'back\\slash',
  'quotes\'"`$(x)',
  '-r',
  'star*?[x]',
  'not.a..path',
  '~',
  '%41',
];
const LONG_WAY = `${'deep/'.repeat(60)}end`;

const hasUnzip = spawnSync('unzip', ['-v']).status === 0;

/** A repo with ten thousand files, some with odd names, one executable, one large, one empty, and a link. */
async function tenThousand(t: Test): Promise<{ server: TestServer; files: Map<string, Buffer> }> {
  const server = await TestServer.start(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  const files = new Map<string, Buffer>();
  for (let index = files.size; index < 10_000; index++) {
    files.set(`many/${index % 100}/${index}.txt`, Buffer.from(`file ${index}\n`));
  }
  for (const name of [...ODD, LONG_WAY]) {
    files.set(`odd/${name}`, Buffer.from(name));
  }
  files.set('large', Buffer.alloc(3_000_000, 'large'));
  files.set('empty', Buffer.alloc(0));
  const put = await server.put(
    'r',
    Object.fromEntries([...files].map(([path, data]) => [`/dir/${path}`, data])),
  );
  assert.equal(put.status, 200, put.text);
  await server.put('r', { '*/dir/run': '#!/bin/sh\n' });
  files.set('run', Buffer.from('#!/bin/sh\n'));
  const link = Buffer.concat([
    encodeFrameHeader(FRAME_LINK, '/dir/link', 5),
    Buffer.from('large'),
    encodeFrameEnd(1),
  ]);
  const kept = await server.ask('POST', `${FILES}?symlinks=keep`, {
    headers: { 'content-type': FRAMES_TYPE },
    body: link,
  });
  assert.equal(kept.status, 200, kept.text);
  return { server, files };
}

/** Compares a folder that was unpacked with what was put. */
function check(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [path, data] of files) {
    assert.ok(readFileSync(join(folder, 'dir', path)).equals(data), path);
  }
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  assert.equal(found.filter((one) => !one.isDirectory()).length, files.size + 1);
  assert.notEqual(lstatSync(join(folder, 'dir/run')).mode & 0o111, 0, 'stays executable');
  assert.equal(lstatSync(join(folder, 'dir/empty')).mode & 0o111, 0);
  assert.equal(readlinkSync(join(folder, 'dir/link')), 'large');
}

it('ten thousand files with odd names come out of tar, tar.gz and zip as they were put', async (t) => {
  const { server, files } = await tenThousand(t);
  for (const format of ARCHIVE_FORMATS) {
    const { status, headers, bytes } = await server.ask(
      'GET',
      `${FILES}?path=/dir&format=${format}`,
    );
    assert.equal(status, 200);
    assert.equal(headers['content-disposition'], `attachment; filename="dir.${format}"`);
    const folder = scratchDirectory(t);
    const file = `${scratchDirectory(t)}/archive`;
    writeFileSync(file, bytes);
    if (format !== 'zip') {
      execFileSync('tar', ['-xf', file, '-C', folder]);
      check(folder, files);
      continue;
    }
    const script = [
      'import sys, zipfile, os',
      'archive = zipfile.ZipFile(sys.argv[1])',
      'assert archive.testzip() is None',
      'archive.extractall(sys.argv[2])',
      'for one in archive.infolist():',
      '  mode = one.external_attr >> 16',
      '  path = os.path.join(sys.argv[2], one.filename)',
      '  if mode & 0o170000 == 0o120000: os.remove(path); os.symlink(archive.read(one).decode(), path)',
      '  else: os.chmod(path, mode & 0o777)',
    ];
    execFileSync('python3', ['-c', script.join('\n'), file, folder]);
    check(folder, files);
    if (hasUnzip) {
      const other = scratchDirectory(t);
      execFileSync('unzip', ['-q', file, '-d', other], {
        env: { ...process.env, LC_ALL: 'C.UTF-8' },
      });
      check(other, files);
    }
  }
});

it('an archive is of a file, a directory, all of a commit, or what a glob matches', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  await server.put('r', { '/a/b/c': '1', '/a/d': '2', '/e': '3' });
  const listed = async (path: string) => {
    const { bytes, headers } = await server.ask('GET', `${FILES}?format=tar&path=${path}`);
    const names = execFileSync('tar', ['-t'], { input: bytes, encoding: 'utf8' });
    return [names.trim().split('\n').sort().join(' '), headers['content-disposition']];
  };
  assert.deepEqual(await listed('/a/b'), ['b/c', 'attachment; filename="b.tar"']);
  assert.deepEqual(await listed('/e'), ['e', 'attachment; filename="e.tar"']);
  assert.deepEqual(await listed('/'), ['a/b/c a/d e', 'attachment; filename="r-master.tar"']);
  assert.deepEqual(await listed('/*/*'), ['b/c d', 'attachment; filename="r-master.tar"']);
  for (const [query, status] of [
    ['path=/a', 400],
    ['path=/a&format=rar', 400],
    ['path=/absent&format=zip', 404],
  ] as const) {
    assert.equal((await server.problem('GET', `${FILES}?${query}`)).status, status, query);
  }
});

it('an empty repo is an empty archive', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  await server.json('POST', '/repos/default/r/commits', { body: { branch: 'master' } });
  const tar = await server.ask('GET', `${FILES}?format=tar.gz`);
  assert.equal(execFileSync('tar', ['-t'], { input: gunzipSync(tar.bytes) }).length, 0);
  const zip = await server.ask('GET', `${FILES}?format=zip`);
  assert.equal(zip.bytes.length, 22);
});

it('an archive that cannot be read to its end breaks off, in every format', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  const random = new SeededRandom(1);
  const some = Array.from({ length: 200 }, (_, index) => [`/dir/${index}`, random.bytes(20_000)]);
  await server.put('r', Object.fromEntries(some));
  await server.put('r', { '/dir/large': random.bytes(3_000_000) });
  const { packs } = server.engine.pfs.context.journal.state;
  for (const { id, kind } of packs.values()) {
    if (kind === 'chunk') {
      await server.engine.store.delete(`packs/${id.slice(-2)}/${id}`);
    }
  }
  for (const format of ARCHIVE_FORMATS) {
    const response = await server.open('GET', `${API_PREFIX}${FILES}?path=/dir&format=${format}`);
    assert.equal(response.statusCode, 200);
    await assert.rejects(readAll(response), format);
  }
  assert.equal(server.faults.length, ARCHIVE_FORMATS.length);
});

it('what is packed is read as it is taken, and let go of when nobody wants it any more', async () => {
  for (const format of ARCHIVE_FORMATS) {
    let read = 0;
    let closed = false;
    async function* files(): AsyncGenerator<OutgoingFile> {
      try {
        for (; read < 5000; read++) {
          // Random to gzip.
          const data = Buffer.alloc(64 * 1024, `${read * 7919}`);
          yield { path: `${read}`, size: data.length, data, executable: false };
        }
      } finally {
        closed = true;
      }
    }
    const archive = archiveOf(files(), { format, modified: new Date(0) });
    await new Promise((resolve) => archive.once('readable', resolve));
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(read < 200, `${format}: ${read} files were read though none was taken`);
    archive.destroy();
    while (!closed) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
});

it('a zip of more than 4 GiB is whole', { skip: process.env.PFS_TEST_LARGE !== '1' }, async (t) => {
  const file = join(scratchDirectory(t), 'large.zip');
  const block = Buffer.alloc(1024 * 1024, 7);
  async function* content(): AsyncGenerator<Buffer> {
    for (let left = 4200; left > 0; left--) {
      yield block;
    }
  }
  async function* files(): AsyncGenerator<OutgoingFile> {
    yield { path: 'large', size: 4200 * block.length, data: content(), executable: false };
    yield { path: 'after', size: 1, data: Buffer.from('x'), executable: false };
  }
  const archive = archiveOf(files(), { format: 'zip', modified: new Date(0) });
  const { createWriteStream } = await import('node:fs');
  const { pipeline } = await import('node:stream/promises');
  await pipeline(archive, createWriteStream(file));
  const script = 'import sys, zipfile; assert zipfile.ZipFile(sys.argv[1]).testzip() is None';
  execFileSync('python3', ['-c', script, file]);
});
