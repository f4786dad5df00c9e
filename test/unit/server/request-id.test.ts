// The id by which a request is found again: in its answer, in what went wrong, in the log.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import type { AnsweredRequest } from '../../../engine/server/access-log.ts';
import type { Problem } from '../../../engine/server/wire.ts';
import { TestServer } from '../../support/server.ts';

it('a request keeps the id that its client gives it, and has one of its own otherwise', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  const idOf = async (id?: string) =>
    (await server.ask('GET', '/repos', id === undefined ? {} : { headers: { 'request-id': id } }))
      .headers['request-id'];
  assert.equal(await idOf('from-a-client.1'), 'from-a-client.1');
  for (const strange of [undefined, 'short', 'has a space', '"quoted-id"', 'x'.repeat(65)]) {
    assert.match(String(await idOf(strange)), /^[0-9a-f]{32}$/, strange);
  }
});

it('a problem names the request, and so does what is told of a fault', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  const asked = { headers: { 'request-id': 'found-again' } };
  const problem = await server.problem('GET', '/repos/default/absent', asked);
  assert.equal((problem as Problem & { instance: string }).instance, '/requests/found-again');
  server.engine.pfs.context.journal.findAnswer = () => {
    throw new Error('broken');
  };
  const told = once(server.events, 'fault');
  await server.problem('POST', '/repos', {
    ...asked,
    key: '0'.repeat(32),
    body: { project: 'default', name: 'r' },
  });
  const [, request] = (await told) as [unknown, string];
  assert.equal(request, 'found-again');
});

it('the log says of each request what it was and what came of it, and nothing that may be secret', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  const answered = once(server.events, 'answered') as Promise<[AnsweredRequest]>;
  await server.ask('GET', '/repos/default/hidden?secret=hidden', {
    headers: { 'request-id': 'logged-request' },
  });
  const [line] = await answered;
  const { ms, bytes, ...rest } = line;
  assert.deepEqual(rest, {
    request: 'logged-request',
    method: 'GET',
    route: '/api/v1/repos/:project/:repo',
    status: 400,
  });
  assert.ok(ms >= 0 && bytes > 100);
  assert.doesNotMatch(JSON.stringify(line), /hidden|token/);
});
