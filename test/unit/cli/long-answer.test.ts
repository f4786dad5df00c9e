// Long answers over the socket of an engine on this machine: all of their bytes, in memory that is used again, and what is left of one
// that breaks off.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { PieceMemory } from '../../../cli/answer-memory.ts';
import { NodeTransport } from '../../../cli/node-transport.ts';

const GET = { method: 'GET', path: '/file', headers: { accept: 'application/json' } };

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'pfs-long-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function listen(t: TestContext, answer: RequestListener, at?: string): Promise<string> {
  const server: Server = createServer(answer);
  await new Promise<void>((done) =>
    at === undefined ? server.listen(0, '127.0.0.1', done) : server.listen(at, done),
  );
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return at ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Returns what asks an engine that listens at a socket as well. */
function transport(
  t: TestContext,
  socket: string,
  { address = 'http://127.0.0.1:1', signal }: { address?: string; signal?: AbortSignal } = {},
): NodeTransport {
  const made = new NodeTransport({
    address,
    token: () => 'secret',
    socketOf: () => socket,
    ...(signal ? { signal } : {}),
  });
  t.after(() => made.close());
  return made;
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Memory that counts the pieces which are out. */
class CountedMemory extends PieceMemory {
  taken = 0;
  readonly seen = new Set<ArrayBufferLike>();

  override take(): Buffer {
    const piece = super.take();
    this.taken += 1;
    this.seen.add(piece.buffer);
    return piece;
  }
}

for (const length of [0, 1, 100_000, 1024 * 1024, 33 * 1024 * 1024 + 5]) {
  it(`brings all of ${length} bytes, in few pieces of memory`, async (t) => {
    const socket = join(folder(t), 's');
    const content = randomBytes(length);
    let token: string | undefined;
    await listen(
      t,
      (request, response) => {
        token = request.headers.authorization;
        response.writeHead(200, { 'content-length': length, ETag: '"x"' });
        response.end(content);
      },
      socket,
    );
    const memory = new CountedMemory();
    const answer = await transport(t, socket).send({ ...GET, memory });
    assert.equal(answer.status, 200);
    assert.equal(answer.header('etag'), '"x"');
    assert.equal(token, 'Bearer secret');
    let at = 0;
    for await (const chunk of answer.bytes) {
      assert.ok(content.subarray(at, at + chunk.length).equals(chunk), `from ${at} on`);
      at += chunk.length;
      memory.giveBack(chunk);
    }
    assert.equal(at, length);
    assert.ok(memory.seen.size <= 5, `${memory.seen.size} pieces`);
  });
}

it('leaves what was not given back as it was, and makes the engine wait for a slow reader', async (t) => {
  const socket = join(folder(t), 's');
  const content = randomBytes(24 * 1024 * 1024);
  await listen(
    t,
    (_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.end(content);
    },
    socket,
  );
  const memory = new CountedMemory();
  const { bytes } = await transport(t, socket).send({ ...GET, memory });
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) {
    chunks.push(chunk);
    const ahead = memory.taken - chunks.length;
    assert.ok(ahead <= 4, `${ahead} pieces are full before anybody reads them`);
    for (let turn = 0; turn < 100; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  assert.ok(Buffer.concat(chunks).equals(content));
});

it('brings what came of an answer that breaks off, and then says so', async (t) => {
  const socket = join(folder(t), 's');
  await listen(
    t,
    (_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('abc', () => response.destroy());
    },
    socket,
  );
  const made = transport(t, socket);
  const { bytes } = await made.send({ ...GET, memory: new PieceMemory() });
  let got = '';
  const read = async () => {
    for await (const chunk of bytes) {
      got += Buffer.from(chunk).toString();
    }
  };
  await assert.rejects(read(), (error) => made.isBroken(error));
  assert.equal(got, 'abc');
});

it('reads an answer that does not say how long it is all the same', async (t) => {
  const socket = join(folder(t), 's');
  await listen(t, (_, response) => response.write('ab', () => response.end('c')), socket);
  const { bytes } = await transport(t, socket).send({ ...GET, memory: new PieceMemory() });
  assert.equal(await textOf(bytes), 'abc');
});

for (const [what, head] of [
  ['is none of HTTP', 'SSH-2.0-nothing of the kind\r\n\r\n'],
  ['has headers without an end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`],
  ['is none at all', ''],
] as const) {
  it(`takes an answer that ${what} for a broken connection`, async (t) => {
    const socket = join(folder(t), 's');
    const server = createNetServer((connection) => {
      connection.on('error', () => undefined);
      connection.once('data', () => connection.end(head));
    });
    await new Promise<void>((done) => server.listen(socket, done));
    t.after(() => server.close());
    const made = transport(t, socket);
    const asking = made.send({ ...GET, memory: new PieceMemory() });
    await assert.rejects(asking, (error) => made.isBroken(error));
  });
}

it('brings a refusal as any other answer', async (t) => {
  const socket = join(folder(t), 's');
  await listen(
    t,
    (_, response) => response.writeHead(404, { 'content-length': 2 }).end('no'),
    socket,
  );
  const answer = await transport(t, socket).send({ ...GET, memory: new PieceMemory() });
  assert.equal(answer.status, 404);
  assert.equal(await textOf(answer.bytes), 'no');
});

it('ends with the signal, before the answer and within it', async (t) => {
  const socket = join(folder(t), 's');
  await listen(
    t,
    (_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('abc');
    },
    socket,
  );
  const ending = new AbortController();
  const made = transport(t, socket, { signal: ending.signal });
  const { bytes } = await made.send({ ...GET, memory: new PieceMemory() });
  const reading = bytes[Symbol.asyncIterator]().next();
  ending.abort(new Error('enough'));
  // What came before is still there to be read.
  assert.equal(Buffer.from((await reading).value as Uint8Array).toString(), 'abc');
  const asking = made.send({ ...GET, memory: new PieceMemory() });
  await assert.rejects(asking, /enough/);
});

for (const memory of [undefined, new PieceMemory()]) {
  for (const [what, path] of [
    ['nothing listens at the socket', 'lost'],
    ['the socket is out of reach', 'file/s'],
  ] as const) {
    it(`goes to the address where ${what}, ${memory ? 'for long answers too' : 'for any request'}`, async (t) => {
      const made = folder(t);
      writeFileSync(join(made, 'file'), '');
      const address = await listen(t, (_, response) =>
        response.writeHead(200, { 'content-length': 2 }).end('ok'),
      );
      const request = { ...GET, ...(memory ? { memory } : {}) };
      const { status } = await transport(t, join(made, path), { address }).send(request);
      assert.equal(status, 200);
    });
  }
}

it('is ended by closing what asked', async (t) => {
  const socket = join(folder(t), 's');
  const closed = new Promise<void>((resolve) => {
    void listen(
      t,
      (_, response) => {
        response.once('close', resolve);
        response.writeHead(200, { 'content-length': 10 });
        response.write('abc');
      },
      socket,
    );
  });
  const made = transport(t, socket);
  await made.send({ ...GET, memory: new PieceMemory() });
  made.close();
  await closed;
});
