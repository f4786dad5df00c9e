// Bytes that are sent to clients that go: also by an answer that still waits for the one before it on its connection.

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { it, type TestContext } from 'node:test';
import fastify from 'fastify';
import { sendBytes } from '../../../engine/server/http.ts';
import { sent } from '../../../engine/server/sent-bytes.ts';

const PIECE = Buffer.alloc(1024 * 1024);
const PIECES = 100;
const SOON = { timeout: 20_000 };

/** Counts up to `many`, and resolves then. */
function countdown(many: number): { readonly all: Promise<void>; count(): void } {
  let left = many;
  let resolve = (): void => undefined;
  const all = new Promise<void>((done) => {
    resolve = done;
  });
  const count = () => {
    left -= 1;
    if (left === 0) {
      resolve();
    }
  };
  return { all, count };
}

/** Asks twice on one connection, reads nothing, and goes once both requests are there. */
async function askTwice(t: TestContext, port: number, arrived: Promise<void>): Promise<void> {
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  client.on('error', () => undefined);
  client.pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await arrived;
  client.destroy();
}

it('whoever sends a piece at a time learns that the client has gone', SOON, async (t) => {
  const { all, count } = countdown(2);
  const ends: Promise<boolean>[] = [];
  const sendAll = async (response: ServerResponse): Promise<boolean> => {
    response.writeHead(200, { 'content-length': PIECES * PIECE.length });
    for (let i = 0; i < PIECES; i++) {
      if (!(await sent(response, PIECE))) {
        return false;
      }
    }
    return true;
  };
  const server = createServer((_, response) => {
    ends.push(sendAll(response));
    count();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  await askTwice(t, (server.address() as { port: number }).port, all);
  assert.deepEqual(await Promise.all(ends), [false, false]);
});

it('what a stream reads from is closed when the client has gone', SOON, async (t) => {
  const [arrived, closed] = [countdown(2), countdown(2)];
  const server = fastify({ forceCloseConnections: true });
  server.get('/', (_, reply) => {
    async function* pieces() {
      for (let i = 0; i < PIECES; i++) {
        yield PIECE;
      }
    }
    arrived.count();
    return sendBytes(reply, pieces(), { onFault: () => undefined, onClose: closed.count });
  });
  t.after(() => server.close());
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  await askTwice(t, Number(new URL(address).port), arrived.all);
  await closed.all;
});
