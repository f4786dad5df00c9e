// The end of an engine, as its clients see it: nothing new, a last word for who listens, and time for what is under way.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { it } from 'node:test';
import { API_PREFIX, FRAMES_TYPE, type Problem } from '../../../engine/server/wire.ts';
import { EventReader } from '../../support/event-reader.ts';
import { frames, readAll, TestServer, TOKEN } from '../../support/server.ts';

it('an engine that ends is not ready, and refuses what is new with when to come again', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  assert.equal((await server.open('GET', '/readyz')).statusCode, 200);
  server.ending.abort();
  const ready = await server.open('GET', '/readyz', { token: null });
  assert.equal(ready.statusCode, 503);
  const { status, headers, text } = await server.ask('GET', '/repos');
  assert.deepEqual([status, headers['retry-after']], [503, '5']);
  assert.equal((JSON.parse(text) as Problem).code, 'unavailable');
  assert.equal((await server.open('GET', '/healthz', { token: null })).statusCode, 200);
});

it('an upload that is under way is finished', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  const body = frames({ '/a': Buffer.alloc(2_000_000, 'a') });
  const request = httpRequest({
    host: '127.0.0.1',
    port: server.port,
    method: 'POST',
    path: `${API_PREFIX}/repos/default/r/files/master`,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': FRAMES_TYPE },
  });
  await new Promise<void>((resolve) => request.write(body.subarray(0, 1_500_000), () => resolve()));
  // The upload is under way once a request behind it has been answered.
  await server.ask('GET', '/repos');
  const closed = server.close();
  const answered = once(request, 'response');
  request.end(body.subarray(1_500_000));
  const [response] = (await answered) as [IncomingMessage];
  await readAll(response);
  assert.equal(response.statusCode, 200);
  await closed;
  assert.equal(
    server.engine.pfs.context.journal.state.branches.get('default/r@master')?.head?.length,
    32,
  );
});

it('streams and waits end with a last word', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  const { id } = await server.json<{ id: string }>('POST', '/repos/default/r/commits', {
    body: { branch: 'master' },
  });
  const jobs = await server.open('GET', `${API_PREFIX}/jobs/subscribe`);
  const events = new EventReader(await server.open('GET', `${API_PREFIX}/events`));
  const waiting = server.ask('GET', `/repos/default/r/commits/${id}/wait`);
  // The wait is under way once another request on its way behind it has been answered.
  await server.ask('GET', '/repos');
  await server.close();
  const lines = (await readAll(jobs)).toString().trim().split('\n');
  const { problem } = JSON.parse(lines.at(-1) ?? '') as { problem: Problem };
  assert.equal(problem.code, 'unavailable');
  assert.equal((await events.next())?.event, 'end');
  assert.equal(await events.next(), undefined);
  const { status, headers } = await waiting;
  assert.deepEqual([status, headers['retry-after']], [503, '5']);
});
