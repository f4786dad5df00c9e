// The client of the API, over `fetch` and a real server, and over connections that break.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ApiError } from '../../../client/api-error.ts';
import { Client } from '../../../client/client.ts';
import { fetchTransport } from '../../../client/fetch-transport.ts';
import type { ApiRequest, Transport } from '../../../client/transport.ts';
import { TestServer, TOKEN } from '../../support/server.ts';

const PUT_FILES = 'POST /repos/{project}/{repo}/files/{ref}';

type Test = Parameters<typeof TestServer.start>[0];

async function clientOf(t: Test): Promise<Client> {
  const { port } = await TestServer.start(t);
  return new Client({
    transport: fetchTransport({ base: `http://127.0.0.1:${port}`, token: () => TOKEN }),
  });
}

it('asks for operations by their names and gets their documents', async (t) => {
  const client = await clientOf(t);
  assert.deepEqual(await client.call('GET /version'), { engine: '1.2.3', api: 1 });
  const body = { project: 'default', name: 'images', description: 'Of cats' };
  assert.equal((await client.call('POST /repos', { body })).name, 'images');
  const params = { project: 'default', repo: 'images' };
  const repo = await client.call('GET /repos/{project}/{repo}', { params });
  assert.equal(repo.description, 'Of cats');
  const strange = { params: { ...params, branch: 'a b/c?' }, body: {} };
  await assert.rejects(
    client.call('PUT /repos/{project}/{repo}/branches/{branch}', strange),
    /branch name "a b\/c\?"/,
    'a name is one segment, whatever is in it',
  );
  const nothing = await client.call('DELETE /repos/{project}/{repo}', { params });
  assert.equal(nothing, undefined);
});

it('walks a list to its end, or as far as it is wanted', async (t) => {
  const client = await clientOf(t);
  for (const name of ['a', 'b', 'c']) {
    await client.call('POST /repos', { body: { project: 'default', name } });
  }
  const sizes = [];
  for await (const items of client.pages('GET /repos', { query: { limit: 2 } })) {
    sizes.push(items.length);
  }
  assert.deepEqual(sizes, [2, 1]);
  const names = [];
  for await (const { name } of client.items('GET /repos', { most: 2 })) {
    names.push(name);
  }
  assert.deepEqual(names, ['a', 'b']);
  const all = await client.all('GET /repos', { query: { limit: 1 } });
  assert.deepEqual(
    all.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  assert.equal((await client.all('GET /repos', { most: 2 })).length, 2);
});

it('rejects with the code and the sentence of the engine', async (t) => {
  const client = await clientOf(t);
  const params = { project: 'default', repo: 'none' };
  await assert.rejects(client.call('GET /repos/{project}/{repo}', { params }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.code, 'not_found');
    assert.equal(error.status, 404);
    assert.match(error.message, /^Cannot find repo "none"/);
    return true;
  });
});

it('gives up a request when its signal aborts', async (t) => {
  const client = await clientOf(t);
  const ended = new AbortController();
  const { bytes } = await client.open('GET /events', { signal: ended.signal });
  const reading = (async () => {
    for await (const _ of bytes) {
      // Until it ends.
    }
  })();
  ended.abort();
  await assert.rejects(reading, { name: 'AbortError' });
});

it('sends a write again under the same key when the connection breaks', async () => {
  const { transport, sent } = breaking({ times: 2 });
  const client = new Client({ transport });
  await client.call('POST /repos', { body: { project: 'default', name: 'a' } });
  assert.equal(sent.length, 3);
  const keys = new Set(sent.map(({ headers }) => headers['idempotency-key']));
  assert.equal(keys.size, 1);
  assert.match([...keys][0] ?? '', /^[0-9a-f]{32}$/);

  const always = breaking({ times: Infinity });
  const hopeless = new Client({ transport: always.transport });
  await assert.rejects(hopeless.call('GET /engine'), /before it answered/);
  assert.equal(always.sent.length, 3, 'it does not try for ever');
});

it('pauses before it tries again by fetch, and says when the connection failed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { mock } = t.mock.method(globalThis, 'fetch', () =>
    Promise.reject(new TypeError('fetch failed')),
  );
  const client = new Client({ transport: fetchTransport() });
  const asking = assert.rejects(
    client.call('GET /engine'),
    /^ApiError: Cannot reach the engine: the connection failed before it answered; /,
  );
  await setImmediate();
  for (const ms of [100, 400]) {
    const before = mock.callCount();
    t.mock.timers.tick(ms - 1);
    await setImmediate();
    assert.equal(mock.callCount(), before, `not before ${ms} ms have passed`);
    t.mock.timers.tick(1);
    await setImmediate();
    assert.equal(mock.callCount(), before + 1);
  }
  await asking;
  assert.equal(mock.callCount(), 3);

  const given = new AbortController();
  const asked = client.call('GET /engine', { signal: given.signal });
  await setImmediate();
  given.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  assert.equal(mock.callCount(), 4, 'what is given up is not tried again');
});

it('says of an answer that breaks off when it did', async (t) => {
  const body = new ReadableStream({ pull: () => Promise.reject(new TypeError('terminated')) });
  t.mock.method(globalThis, 'fetch', () => Promise.resolve(new Response(body)));
  const client = new Client({ transport: fetchTransport() });
  await assert.rejects(client.call('GET /engine'), /the connection failed while it answered/);
});

it('sends a stream once, and a Blob again', async () => {
  const params = { project: 'default', repo: 'images', ref: 'master' };
  const upload = { params, query: { path: '/a' }, type: 'text/plain' };
  const bytes = Buffer.from('a');
  const once = breaking({ times: 1 });
  const streaming = new Client({ transport: once.transport }).upload(PUT_FILES, {
    ...upload,
    source: Readable.from([bytes]),
  });
  await assert.rejects(streaming, /before it answered/);
  assert.equal(once.sent.length, 1);

  const twice = breaking({ times: 1 });
  const source = new Blob([bytes]);
  await new Client({ transport: twice.transport }).upload(PUT_FILES, { ...upload, source });
  assert.equal(twice.sent.length, 2);
});

it('sends again what only reads, and never what would have its effect twice', async () => {
  for (const key of ['POST /auth/tokens', 'POST /session', 'POST /session/codes'] as const) {
    const { transport, sent } = breaking({ times: 1 });
    const client = new Client({ transport });
    await assert.rejects(client.call(key, { body: {} } as never), /before it answered/);
    assert.equal(sent.length, 1, key);
  }
  const { transport, sent } = breaking({ times: 1 });
  await new Client({ transport }).call('POST /validations', { body: '{}' });
  assert.equal(sent.length, 2, 'a check of a spec changes nothing');
});

/** A transport whose connections break so many times before one holds. */
function breaking({ times }: { readonly times: number }): {
  readonly transport: Transport;
  readonly sent: ApiRequest[];
} {
  const sent: ApiRequest[] = [];
  const transport: Transport = {
    send: async (request) => {
      sent.push(request);
      if (sent.length <= times) {
        throw new Error('cut');
      }
      const bytes = (async function* () {
        yield new TextEncoder().encode('{}');
      })();
      return { status: 200, header: () => undefined, bytes };
    },
    isBroken: () => true,
    explain: (error, when) => new Error(`the connection broke ${when}`, { cause: error }),
  };
  return { transport, sent };
}
