// How the command line carries requests to an engine that has to be started first, and what ends them.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { EngineClient } from '../../../cli/client.ts';
import { NodeTransport } from '../../../cli/node-transport.ts';
import type { ApiResponse } from '../../../client/transport.ts';

/** Starts a server that sends back what it is sent, as it comes, and returns its address. */
async function echo(t: TestContext): Promise<string> {
  const server = createServer((incoming, response) => {
    response.flushHeaders();
    incoming.pipe(response);
  });
  return await listen(t, server);
}

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Returns an address at which nothing listens. */
async function nowhere(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return `http://127.0.0.1:${port}`;
}

async function* letters(): AsyncGenerator<Uint8Array> {
  for (const letter of ['a', 'b', 'c']) {
    yield Buffer.from(letter);
  }
}

async function textOf({ bytes }: ApiResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

for (const isConversation of [true, false]) {
  it(`sends all of a stream ${isConversation ? 'of a conversation ' : ''}where the engine has to be started first`, async (t) => {
    const transport = new NodeTransport({
      address: await nowhere(),
      token: () => undefined,
      onRefused: () => echo(t),
    });
    t.after(() => transport.close());
    const request = { method: 'POST', path: '/', headers: {}, body: letters(), isConversation };
    assert.equal(await textOf(await transport.send(request)), 'abc');
    const again = { ...request, body: letters() };
    assert.equal(await textOf(await transport.send(again)), 'abc', 'nor over one that stands');
  });
}

it('sends a Blob as it is read, not all of it at once', async (t) => {
  const transport = new NodeTransport({ address: await echo(t), token: () => undefined });
  t.after(() => transport.close());
  const whole = t.mock.method(Blob.prototype, 'arrayBuffer');
  const text = 'abc'.repeat(100_000);
  const request = { method: 'POST', path: '/', headers: {}, body: new Blob([text]) };
  assert.equal(await textOf(await transport.send(request)), text);
  assert.equal(whole.mock.callCount(), 0);
});

for (const [whose, aborted] of [
  ['the command', { message: 'Interrupted' }],
  ['the request', { name: 'AbortError' }],
] as const) {
  it(`ends a request that has a signal of its own by that of ${whose}`, {
    timeout: 10_000,
  }, async (t) => {
    const [ofCommand, ofRequest] = [new AbortController(), new AbortController()];
    const server = createServer((_, response) => response.flushHeaders());
    const address = await listen(t, server);
    const { signal } = ofCommand;
    const client = new EngineClient({ address, token: () => undefined, signal });
    t.after(() => client.close());
    const { bytes } = await client.open('GET /events', { signal: ofRequest.signal });
    const reading = bytes[Symbol.asyncIterator]().next();
    (whose === 'the command' ? ofCommand : ofRequest).abort();
    await assert.rejects(reading, aborted);
    const asking = client.call('GET /engine', { signal: ofRequest.signal });
    await assert.rejects(asking, aborted, 'nor does it begin');
  });
}
