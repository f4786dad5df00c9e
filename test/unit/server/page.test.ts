// The page as the server gives it out, from a folder of the test's own: to whom, with which headers, and what else is not it.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { scratchDirectory } from '../../support/scratch.ts';
import { type Ask, readAll, TestServer } from '../../support/server.ts';

const HTML = '<!doctype html><title>pfs</title>';
const SCRIPT = 'export const x = 1;';

async function serve(t: TestContext, options: { readonly empty?: boolean } = {}) {
  const folder = scratchDirectory(t);
  if (!options.empty) {
    mkdirSync(`${folder}/assets`);
    mkdirSync(`${folder}/docs`);
    writeFileSync(`${folder}/index.html`, HTML);
    writeFileSync(`${folder}/docs/index.html`, 'the documentation');
    writeFileSync(`${folder}/assets/main-A1.js`, SCRIPT);
    writeFileSync(`${folder}/assets/main-A1.js.br`, brotliCompressSync(SCRIPT));
    writeFileSync(`${folder}/assets/main-A1.js.gz`, gzipSync(SCRIPT));
  }
  const server = await TestServer.start(t, { idle: true, pageDirectory: folder });
  return async (path: string, headers: Ask['headers'] = {}, method = 'GET') => {
    const response = await server.open(method, path, { token: null, headers });
    const bytes = await readAll(response);
    const { statusCode: status } = response;
    return { status, headers: response.headers, bytes, text: bytes.toString() };
  };
}

describe('the page', () => {
  it('is served to everybody, at the top and at every place within it', async (t) => {
    const get = await serve(t);
    for (const path of ['/', '/?project=x', '/repos/default/images', '/jobs/a/b/c%2Fd']) {
      const answer = await get(path, { accept: 'text/html,*/*' });
      assert.equal(answer.status, 200, path);
      assert.equal(answer.text, HTML);
      assert.match(answer.headers['content-type'] ?? '', /^text\/html/);
      assert.equal(answer.headers['cache-control'], 'no-cache');
    }
    assert.equal((await get('/docs/')).text, 'the documentation');
  });

  it('lets no script but its own run, and no other page frame it', async (t) => {
    const get = await serve(t);
    const { headers } = await get('/');
    assert.match(String(headers['content-security-policy']), /^default-src 'self';/);
    assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|script-src/);
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  });

  it('is sent compressed where the browser takes that, and lasts where its name holds its hash', async (t) => {
    const get = await serve(t);
    const path = '/assets/main-A1.js';
    const br = await get(path, { 'accept-encoding': 'gzip, deflate, br' });
    assert.equal(br.headers['content-encoding'], 'br');
    assert.equal(brotliDecompressSync(br.bytes).toString(), SCRIPT);
    assert.match(String(br.headers['cache-control']), /immutable/);
    const gzip = await get(path, { 'accept-encoding': 'gzip, br;q=0' });
    assert.equal(gunzipSync(gzip.bytes).toString(), SCRIPT);
    const plain = await get(path);
    assert.equal(plain.text, SCRIPT);
    assert.equal(plain.headers['content-encoding'], undefined);
  });

  it('is not sent again to who has it', async (t) => {
    const get = await serve(t);
    const { etag = '' } = (await get('/')).headers;
    const again = await get('/', { 'if-none-match': `"x", W/${etag}` });
    assert.equal(again.status, 304);
    assert.equal(again.bytes.length, 0);
    const head = await get('/', {}, 'HEAD');
    assert.equal(head.status, 200);
    assert.equal(head.bytes.length, 0);
  });

  it('hides nothing of the API, however its address is written', async (t) => {
    const get = await serve(t);
    const html = { accept: 'text/html' };
    for (const path of [
      '/api/v1/repos',
      '/%61pi/v1/repos',
      '/api/v1/nowhere',
      '/git/a/b/info/refs',
      '/metrics',
    ]) {
      assert.equal((await get(path, html)).status, 401, path);
    }
    for (const path of [
      '/assets/gone.js',
      '/docs/gone.html',
      '/../package.json',
      '/assets/..%2f..%2fpackage.json',
    ]) {
      const answer = await get(path);
      assert.equal(answer.status, 404, path);
      assert.match(answer.headers['content-type'] ?? '', /problem\+json/);
    }
    assert.equal((await get('/repos', {})).status, 404, 'a program that mistypes a path');
    assert.equal((await get('/', {}, 'POST')).status, 401);
  });

  it('says how to build it where it is not there', async (t) => {
    const get = await serve(t, { empty: true });
    const answer = await get('/', { accept: 'text/html' });
    assert.equal(answer.status, 404);
    assert.match(answer.text, /npm run build/);
  });
});
