// One file over HTTP, as browsers, caches and download managers ask for it (RFC 9110).

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mimes } from 'mrmime';
import { EngineError } from '../../../engine/base/errors.ts';
import { contentTypeOf } from '../../../engine/server/content-type.ts';
import { rangeOf } from '../../../engine/server/range.ts';
import type { Commit, File } from '../../../engine/server/wire.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type Answer, type Ask, TestServer } from '../../support/server.ts';

type Test = Parameters<typeof TestServer.start>[0];

const FILES = '/repos/default/r/files';
const TEXT = 'The quick brown fox';

interface Scene {
  readonly server: TestServer;
  readonly clock: ManualClock;
  readonly commit: Commit;
  readonly etag: string;
  get(headers?: Ask['headers'], method?: string): Promise<Answer>;
}

async function scene(t: Test): Promise<Scene> {
  const clock = new ManualClock();
  const server = await TestServer.start(t, { clock, idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  const { text } = await server.put('r', { '/fox.txt': TEXT, '/empty.txt': '' });
  const file = await server.json<File>('GET', `${FILES}/master/inspect?path=/fox.txt`);
  await clock.pass(1000);
  return {
    server,
    clock,
    commit: JSON.parse(text),
    etag: `"${file.id}"`,
    get: (headers = {}, method = 'GET') =>
      server.ask(method, `${FILES}/master/content?path=/fox.txt`, { headers }),
  };
}

it('a file is told with its type, its tag and the time of its commit', async (t) => {
  const { get, etag, commit } = await scene(t);
  const { status, headers, text } = await get();
  assert.deepEqual([status, text], [200, TEXT]);
  assert.equal(headers.etag, etag);
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(headers['content-length'], String(TEXT.length));
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['accept-ranges'], 'bytes');
  const behind = Date.parse(headers['last-modified'] ?? '') - Date.parse(commit.finished ?? '');
  assert.ok(behind >= 0 && behind < 1000, 'the second in which the commit finished');
});

it('HEAD tells what GET would, without the bytes', async (t) => {
  const { get, server } = await scene(t);
  const head = await get({}, 'HEAD');
  const full = await get();
  assert.equal(head.bytes.length, 0);
  for (const name of ['etag', 'content-type', 'content-length', 'last-modified', 'cache-control']) {
    assert.equal(head.headers[name], full.headers[name], name);
  }
  assert.equal((await get({ range: 'bytes=0-1' }, 'HEAD')).status, 200);
  const absent = await server.ask('HEAD', `${FILES}/master/content?path=/absent`);
  assert.deepEqual([absent.status, absent.bytes.length], [404, 0]);
});

it('who has the file already is told so, and gets it only where it is another one', async (t) => {
  const { get, etag, server } = await scene(t);
  const modified = (await get()).headers['last-modified'] ?? '';
  const before = new Date(Date.parse(modified) - 1000).toUTCString();
  const known = [
    { 'if-none-match': etag },
    { 'if-none-match': `W/${etag}` },
    { 'if-none-match': `"other", ${etag}` },
    { 'if-none-match': '*' },
    { 'if-modified-since': modified },
    // The tag says more than the time.
    { 'if-none-match': etag, 'if-modified-since': before },
  ];
  for (const headers of known) {
    const { status, bytes, headers: told } = await get(headers);
    assert.deepEqual([status, bytes.length, told.etag], [304, 0, etag], JSON.stringify(headers));
  }
  const unknown = [
    { 'if-none-match': '"other"' },
    { 'if-modified-since': before },
    { 'if-modified-since': 'yesterday' },
    { 'if-none-match': '"other"', 'if-modified-since': modified },
  ];
  for (const headers of unknown) {
    assert.equal((await get(headers)).status, 200, JSON.stringify(headers));
  }
  await server.put('r', { '/fox.txt': 'another one' });
  assert.equal((await get({ 'if-none-match': etag })).text, 'another one');
});

it('a commit of this very second is not told by its time: another one may follow within it', async (t) => {
  const { get, server, clock } = await scene(t);
  await clock.pass(1);
  await server.put('r', { '/fox.txt': 'new' });
  assert.equal((await get()).headers['last-modified'], undefined);
  await clock.pass(1000);
  assert.notEqual((await get()).headers['last-modified'], undefined);
});

it('who goes on with one version never gets another', async (t) => {
  const { get, etag } = await scene(t);
  const modified = (await get()).headers['last-modified'] ?? '';
  const before = new Date(Date.parse(modified) - 1000).toUTCString();
  for (const headers of [
    { 'if-match': etag },
    { 'if-match': '*' },
    { 'if-unmodified-since': modified },
  ]) {
    assert.equal((await get(headers)).status, 200, JSON.stringify(headers));
  }
  for (const headers of [
    { 'if-match': '"other"' },
    // A weak tag never matches here.
    { 'if-match': `W/${etag}` },
    { 'if-unmodified-since': before },
  ]) {
    const { status, text } = await get(headers);
    assert.equal(status, 412, JSON.stringify(headers));
    assert.match(text, /another file meanwhile/);
  }
});

it('ranges give parts: from the front, the end, and only of the version that the client has', async (t) => {
  const { get, etag, server } = await scene(t);
  const modified = (await get()).headers['last-modified'] ?? '';
  const parts: [string, string, string][] = [
    ['bytes=4-8', 'quick', 'bytes 4-8/19'],
    ['bytes=-3', 'fox', 'bytes 16-18/19'],
    ['BYTES=16-', 'fox', 'bytes 16-18/19'],
    ['bytes=16-999', 'fox', 'bytes 16-18/19'],
    ['bytes=-999', TEXT, 'bytes 0-18/19'],
  ];
  for (const [range, text, told] of parts) {
    for (const extra of [{}, { 'if-range': etag }, { 'if-range': modified }]) {
      const answer = await get({ range, ...extra });
      assert.deepEqual([answer.status, answer.text], [206, text], range);
      assert.equal(answer.headers['content-range'], told);
      assert.equal(answer.headers['content-length'], String(text.length));
    }
  }
  const whole = [
    { range: 'bytes=0-1,4-5' },
    { range: 'bytes=5-4' },
    { range: 'lines=1-2' },
    { range: 'bytes=4-8', 'if-range': '"other"' },
    { range: 'bytes=4-8', 'if-range': `W/${etag}` },
    { range: 'bytes=4-8', 'if-range': new Date(Date.parse(modified) + 1000).toUTCString() },
  ];
  for (const headers of whole) {
    const answer = await get(headers);
    assert.deepEqual([answer.status, answer.text], [200, TEXT], JSON.stringify(headers));
  }
  for (const range of ['bytes=19-', 'bytes=-0']) {
    const answer = await get({ range });
    assert.deepEqual([answer.status, answer.headers['content-range']], [416, 'bytes */19'], range);
  }
  const empty = await server.ask('GET', `${FILES}/master/content?path=/empty.txt`, {
    headers: { range: 'bytes=0-' },
  });
  assert.equal(empty.status, 416);
  // The conditions come first.
  assert.equal((await get({ range: 'bytes=99-', 'if-none-match': etag })).status, 304);
});

it('a range that is no range of bytes is left alone', () => {
  for (const header of ['bytes=', 'bytes=-', 'bytes=a-b', 'bytes 0-1', 'bytes=0-1;', '']) {
    assert.equal(rangeOf(header, 10), undefined, header);
  }
});

it('what is read by the id of a commit stays for ever, by the name of a branch not', async (t) => {
  const { server, commit } = await scene(t);
  const caching = async (ref: string) =>
    (await server.ask('GET', `${FILES}/${ref}/content?path=/fox.txt`)).headers['cache-control'];
  assert.equal(await caching(commit.id), 'private, max-age=31536000, immutable');
  for (const ref of ['master', `${commit.id}.1`, 'master.1']) {
    assert.equal(await caching(ref), 'private, no-cache', ref);
  }
  const { id } = await server.json<Commit>('POST', '/repos/default/r/commits', {
    body: { branch: 'master' },
  });
  assert.equal(await caching(id), 'private, no-cache', 'an open commit');
});

it('a browser is never given what could run in it, but for a look within a sandbox', async (t) => {
  const { server } = await scene(t);
  const names: [string, string, 'inline' | 'attachment'][] = [
    ['a.html', 'text/html; charset=utf-8', 'attachment'],
    ['a.HTM', 'text/html; charset=utf-8', 'attachment'],
    ['a.svg', 'image/svg+xml', 'attachment'],
    ['a.xml', 'text/xml; charset=utf-8', 'attachment'],
    ['a.xhtml', 'application/xhtml+xml', 'attachment'],
    ['a.pdf', 'application/pdf', 'inline'],
    ['a.png', 'image/png', 'inline'],
    ['a.json', 'application/json', 'inline'],
    ['a.csv', 'text/csv; charset=utf-8', 'inline'],
    ['a.zip', 'application/zip', 'attachment'],
    // As scripts or styles these could be loaded by a page.
    ['a.js', 'text/plain; charset=utf-8', 'inline'],
    ['a.mjs', 'text/plain; charset=utf-8', 'inline'],
    ['a.css', 'text/plain; charset=utf-8', 'inline'],
    ['a.ts', 'text/plain; charset=utf-8', 'inline'],
    ['html', 'application/octet-stream', 'inline'],
    ['a.constructor', 'application/octet-stream', 'inline'],
    ['model', 'application/octet-stream', 'inline'],
  ];
  await server.put('r', Object.fromEntries(names.map(([name]) => [`/${name}`, name])));
  for (const [name, type, kind] of names) {
    const route = `${FILES}/master/content?path=/${name}`;
    const { headers } = await server.ask('GET', route);
    assert.equal(headers['content-type'], type, name);
    assert.equal(headers['content-disposition'], `${kind}; filename="${name}"`);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    const shown = (await server.ask('GET', `${route}&inline=true`)).headers;
    assert.match(shown['content-disposition'] ?? '', /^inline;/);
    if (kind === 'attachment') {
      const policy = String(shown['content-security-policy']);
      assert.match(policy, /^sandbox; default-src 'none'/, name);
      assert.doesNotMatch(policy, /allow-scripts|script-src/);
    }
    const saved = (await server.ask('GET', `${route}&download=true`)).headers;
    assert.match(saved['content-disposition'] ?? '', /^attachment;/);
  }
});

it('no name gives a type that a page could run or take as its style', () => {
  for (const extension of [...Object.keys(mimes), 'js', 'MJS', 'ecma', 'css']) {
    const { type } = contentTypeOf(`/a.${extension}`);
    assert.doesNotMatch(type, /(?:java|ecma|j|live)script|css/i, extension);
  }
});

it('a file name is told whole, whatever is in it', async (t) => {
  const { server } = await scene(t);
  const name = 'Übung "1"; filename=x\\%41.txt';
  await server.put('r', { [`/${name}`]: 'x' });
  const { headers } = await server.ask(
    'GET',
    `${FILES}/master/content?path=${encodeURIComponent(`/${name}`)}`,
  );
  const [, plain = '', exact = ''] =
    /^inline; filename="([\x20-\x7e]*)"; filename\*=UTF-8''(\S+)$/.exec(
      headers['content-disposition'] ?? '',
    ) ?? [];
  assert.doesNotMatch(plain, /["\\%]/);
  assert.equal(decodeURIComponent(exact), name);
});

/** Makes reading any file bring some bytes, or none, and then fail. */
function failing({ server }: Scene, first: string): void {
  Object.assign(server.engine.pfs.context, {
    async *readFile() {
      if (first !== '') {
        yield Buffer.from(first);
      }
      throw new EngineError('corrupt', 'Cannot read it: its bytes are damaged');
    },
  });
}

it('what cannot be read is a problem that no cache keeps, and nothing that is said of the file', async (t) => {
  const of = await scene(t);
  failing(of, '');
  const path = `${FILES}/${of.commit.id}/content?path=/fox.txt`;
  for (const range of [{}, { range: 'bytes=4-8' }]) {
    const { status, headers, text } = await of.server.ask('GET', path, { headers: range });
    assert.equal(status, 500);
    assert.equal(JSON.parse(text).code, 'corrupt');
    assert.equal(headers['cache-control'], 'no-store');
    const ofFile = ['etag', 'last-modified', 'content-disposition', 'content-range'];
    for (const name of [...ofFile, 'accept-ranges']) {
      assert.equal(headers[name], undefined, name);
    }
  }
  const { status: missing, headers: ofMissing } = await of.server.ask('GET', `${path}x`);
  assert.deepEqual([missing, ofMissing['cache-control']], [404, 'no-store']);
});

it('a failure under way breaks the connection, and the engine says why', async (t) => {
  const of = await scene(t);
  failing(of, 'The quick');
  await assert.rejects(of.get(), { code: 'ECONNRESET' });
  assert.match(String(of.server.faults.at(-1)), /damaged/);
});
