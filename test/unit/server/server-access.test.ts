// Who may speak to the engine, and what comes of requests that are no requests.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { it } from 'node:test';
import { TestServer } from '../../support/server.ts';

it('only the health and the version are told without the token', async (t) => {
  const server = await TestServer.start(t);
  const health = await server.open('GET', '/healthz', { token: null });
  assert.equal(health.statusCode, 200);
  health.resume();
  assert.deepEqual(await server.json('GET', '/version', { token: null }), {
    engine: '1.2.3',
    api: 1,
  });
  for (const path of [
    '/engine',
    '/repos',
    '/journal',
    '/nowhere',
    '/logs',
    '/version/',
    '/../healthz',
  ]) {
    for (const token of [
      null,
      '',
      'x',
      'a-token-for-test',
      'a-token-for-testsX',
      'A-TOKEN-FOR-TESTS',
    ]) {
      const problem = await server.problem('GET', path, { token });
      assert.equal(problem.code, 'unauthenticated', path);
      assert.equal(problem.status, 401);
      assert.doesNotMatch(JSON.stringify(problem), /a-token-for-tests/);
    }
  }
});

it('requests of other pages and under other names are refused, token or not', async (t) => {
  const server = await TestServer.start(t);
  const own = `127.0.0.1:${server.port}`;
  const refused = [
    { host: 'evil.example' },
    { host: `evil.example:${server.port}` },
    { host: 'localhost.evil.example' },
    { host: '127.0.0.1.evil.example' },
    { host: own, origin: 'http://evil.example' },
    { host: own, origin: 'null' },
    { host: own, origin: '' },
    { host: own, origin: 'http://127.0.0.1:1' },
    { host: own, origin: `http://localhost:${server.port}` },
  ];
  for (const headers of refused) {
    for (const path of ['/repos', '/version']) {
      const { code } = await server.problem('GET', path, { headers });
      assert.equal(code, 'unauthenticated', JSON.stringify(headers));
    }
  }
  const served = [
    { host: own },
    { host: 'localhost' },
    { host: '[::1]:80' },
    { host: 'pfs.example:8000' },
    { host: own, origin: `http://${own}` },
  ];
  for (const headers of served) {
    const { status } = await server.ask('GET', '/repos', { headers });
    assert.equal(status, 200, JSON.stringify(headers));
  }
});

it('every answer tells the version of the engine', async (t) => {
  const server = await TestServer.start(t);
  for (const path of ['/version', '/repos', '/repos/default/none', '/nowhere']) {
    const { headers } = await server.ask('GET', path);
    assert.equal(headers['pfs-version'], '1.2.3', path);
  }
});

it('malformed requests are told so, with no fault of the engine', async (t) => {
  const server = await TestServer.start(t);
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  const json = { 'content-type': 'application/json' };
  const cases: readonly (readonly [string, string, Parameters<TestServer['ask']>[2]])[] = [
    ['POST', '/repos', { headers: json, body: '{"project":' }],
    ['POST', '/repos', { headers: json, body: '[]' }],
    ['POST', '/repos', { headers: json, body: 'null' }],
    ['POST', '/repos', { headers: json, body: '"text"' }],
    [
      'POST',
      '/repos',
      { headers: json, body: '{"__proto__":{"a":1},"project":"default","name":"p"}' },
    ],
    ['POST', '/repos', { body: { project: 1, name: ['x'] } }],
    ['POST', '/repos', { body: { project: 'default', name: '../x' } }],
    ['POST', '/repos', { headers: { 'content-type': 'image/png' }, body: 'x' }],
    ['POST', '/repos', { headers: { ...json, 'idempotency-key': 'short' }, body: '{}' }],
    ['POST', '/repos/default/r/files/master', {}],
    ['POST', '/repos/default/r/files/master', { body: { a: 1 } }],
    [
      'POST',
      '/repos/default/r/files/master',
      { headers: { 'content-type': 'text/plain' }, body: 'x' },
    ],
    ['POST', '/repos/default/r/files/master/delete', { body: { paths: '/a' } }],
    ['POST', '/repos/default/r/files/master/delete', { body: { paths: [1] } }],
    ['POST', '/repos/default/r/files/master/copy', { body: {} }],
    ['POST', '/repos/default/r/files/master/copy', { body: { source: 'x', path: '/y' } }],
    ['POST', '/repos/default/r/commits', { body: {} }],
    ['POST', '/pipelines', { body: { pipeline: { name: 'x' } } }],
    ['POST', '/pipelines', { headers: { 'content-type': 'text/plain' }, body: '{"pipeline' }],
    ['POST', '/pipelines', { headers: { 'content-type': 'text/plain' }, body: '' }],
    ['GET', '/repos?limit=0', {}],
    ['GET', '/repos?limit=-1', {}],
    ['GET', '/repos?limit=many', {}],
    ['GET', '/repos?limit=1.5', {}],
    ['GET', '/journal?after=x', {}],
    ['GET', '/journal?after=-1', {}],
    ['GET', '/repos/default/%zz', {}],
    ['GET', '/repos/%', {}],
    ['GET', '/repos/default/%00', {}],
    ['GET', '/repos/default/a%2Fb', {}],
    ['GET', '/provenance', {}],
    ['GET', '/provenance?repo=x', {}],
    ['GET', '/logs', {}],
    ['GET', '/logs?pipeline=a&tail=x', {}],
    ['GET', '/repos/default/r/files/master/diff?old=nonsense', {}],
    ['GET', `/repos/default/${'x'.repeat(5000)}`, {}],
  ];
  for (const [method, path, ask] of cases) {
    const { status, text, headers } = await server.ask(method, path, ask);
    const what = `${method} ${path.slice(0, 80)} ${JSON.stringify(ask)}: ${status} ${text}`;
    assert.ok(status >= 400 && status < 500, what);
    assert.match(headers['content-type'] ?? '', /^application\/problem\+json/, what);
    assert.match(text, /"detail":"Cannot /, what);
    assert.doesNotMatch(text, /\bat .*\.[tj]s:\d|node:internal/, what);
  }
  assert.deepEqual(server.faults, []);
});

it('headers without end and what is no HTTP at all do no harm', async (t) => {
  const server = await TestServer.start(t);
  for (const sent of [
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`,
    '\u0000\u0001\u0002 nonsense\r\n\r\n',
    'GET /healthz HTTP/1.1\r\n\r\n',
    `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    'POST /api/v1/repos HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n',
    'POST /api/v1/repos HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
  ]) {
    const answer = await raw(server.port, sent);
    assert.doesNotMatch(answer, /^HTTP\/1\.1 (?:2|5)\d\d/, sent.slice(0, 40));
    assert.doesNotMatch(answer, /\bat .*\.[tj]s:\d/);
  }
  assert.equal((await server.ask('GET', '/repos')).status, 200);
  assert.deepEqual(server.faults, []);
});

it('a HEAD is no way to have a stream read to its end', async (t) => {
  const server = await TestServer.start(t);
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  await server.put('r', { a: 'x' });
  assert.equal(
    (await server.ask('HEAD', '/repos/default/r/branches/master/subscribe')).status,
    404,
  );
  assert.equal((await server.ask('HEAD', '/repos')).status, 404);
});

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      socket.end();
    });
    // The server hangs up while we still write.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(text);
  });
}
