// How the command line carries requests to an engine that has to be started first, and what ends them.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { NodeTransport } from '../../../cli/node-transport.ts';
import type { ApiResponse } from '../../../client/transport.ts';

/** Starts a server that sends back what it is sent, as it comes, and returns its address. */
async function echo(t: TestContext): Promise<string> {
  const server = createServer((incoming, response) => {
    response.flushHeaders();
    incoming.pipe(response);
  });
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
