// Bytes that are sent a piece at a time, to clients that go.

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { it } from 'node:test';
import { sent } from '../../../engine/server/sent-bytes.ts';

it('an answer that waits for the one before it learns that the client has gone', {
  timeout: 20_000,
}, async (t) => {
  const piece = Buffer.alloc(1024 * 1024);
  let isWaiting = (): void => undefined;
  const waiting = new Promise<void>((resolve) => {
    isWaiting = resolve;
  });
  const ends: Promise<boolean>[] = [];
  const sendAll = async (response: ServerResponse): Promise<boolean> => {
    response.writeHead(200, { 'content-length': 100 * piece.length });
    for (let i = 0; i < 100; i++) {
      if (!(await sent(response, piece))) {
        return false;
      }
    }
    return true;
  };
  const server = createServer((_, response) => {
    ends.push(sendAll(response));
    if (ends.length === 2) {
      isWaiting();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await waiting;
  client.destroy();
  assert.deepEqual(await Promise.all(ends), [false, false]);
});
