import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  Agent,
  createServer as createHttp,
  type IncomingMessage,
  type RequestOptions,
  request,
} from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { ServiceProxy } from '../../../engine/hosting/service-proxy.ts';
import { Upstream } from '../../../engine/hosting/upstream.ts';

type Test = { after(close: () => unknown): void };

async function proxyFor(t: Test, holdMs = 5000): Promise<ServiceProxy> {
  const proxy = await ServiceProxy.open({
    clock: new SystemClock(),
    host: '127.0.0.1',
    port: 0,
    holdMs,
  });
  t.after(() => proxy.close());
  return proxy;
}

async function listening(t: Test, server: Server): Promise<Upstream> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return upstreamOf(server);
}

function upstreamOf(server: Server): Upstream {
  const { port } = server.address() as AddressInfo;
  return new Upstream({ host: '127.0.0.1', port, direct: true });
}

/** A server that answers with its name, how it was asked, and what it was sent. */
function named(name: string) {
  return createHttp((asked, answer) => {
    const parts: Buffer[] = [];
    asked.on('data', (part: Buffer) => parts.push(part));
    asked.on('end', () => {
      const body = Buffer.concat(parts);
      answer.setHeader('X-Name', name);
      answer.setHeader('Set-Cookie', ['a=1', 'b=2']);
      answer.end(asked.method === 'GET' ? `${name} ${asked.url} ${asked.headers.host}` : body);
    });
  });
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
  readonly isReused: boolean;
}

function ask(proxy: ServiceProxy, options: RequestOptions = {}, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: proxy.host, port: proxy.port, ...options }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(parts),
          headers: answer.headers,
          isReused: asked.reusedSocket,
        }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

it('requests on one kept connection go to the copy of the moment, with nothing lost or changed', async (t) => {
  const proxy = await proxyFor(t);
  const [one, two] = [await listening(t, named('one')), await listening(t, named('two'))];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  proxy.route(one);
  const first = await ask(proxy, { agent, path: '/a?b=c' });
  assert.equal(String(first.body), `one /a?b=c 127.0.0.1:${proxy.port}`);
  assert.deepEqual(first.headers['set-cookie'], ['a=1', 'b=2']);
  proxy.route(two);
  const second = await ask(proxy, { agent, path: '/' });
  assert.equal(second.headers['x-name'], 'two');
  assert.ok(second.isReused, 'the connection was kept');
  const large = randomBytes(5_000_000);
  const sent = await ask(
    proxy,
    { agent, method: 'POST', headers: { Expect: '100-continue' } },
    large,
  );
  assert.ok(sent.body.equals(large));
  const head = await ask(proxy, { agent, method: 'HEAD' });
  assert.deepEqual([head.status, head.body.length], [200, 0]);
  assert.deepEqual([one.active, two.active], [0, 0]);
});

it('two requests sent at once on one connection are both answered, in order', async (t) => {
  const proxy = await proxyFor(t);
  proxy.route(await listening(t, named('one')));
  const socket = connect(proxy.port, proxy.host);
  socket.write(
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  const text = await textOf(socket);
  assert.match(text, /one \/1 a[\s\S]*one \/2 a/);
});

it('a request is under way until it is answered, and one that comes while nobody is ready is held', async (t) => {
  const proxy = await proxyFor(t);
  let answer: (() => void) | undefined;
  const slow = createHttp((_, res) => {
    answer = () => res.end('late');
  });
  const asked = new Promise<void>((resolve) => slow.once('request', () => resolve()));
  const upstream = await listening(t, slow);
  const held = ask(proxy);
  proxy.route(upstream);
  await asked;
  assert.equal(upstream.active, 1);
  let isDrained = false;
  const drained = upstream.drained().then(() => {
    isDrained = true;
  });
  proxy.route(undefined);
  assert.equal(isDrained, false);
  answer?.();
  assert.equal(String((await held).body), 'late');
  await drained;
});

it('says 503 where nobody is ready in time, and 502 where the copy breaks off', async (t) => {
  const proxy = await proxyFor(t, 100);
  const none = await ask(proxy);
  assert.deepEqual([none.status, none.headers['retry-after']], [503, '1']);
  assert.match(String(none.body), /not ready/);
  const broken = createServer((socket) => socket.once('data', () => socket.destroy()));
  proxy.route(await listening(t, broken));
  assert.equal((await ask(proxy)).status, 502);
});

it('a copy that refuses connections is tried again until it takes one', async (t) => {
  const proxy = await proxyFor(t);
  const server = named('back');
  await listening(t, server);
  const upstream = upstreamOf(server);
  await new Promise((resolve) => server.close(resolve));
  proxy.route(upstream);
  const asked = ask(proxy);
  await new Promise<void>((resolve) => {
    server.listen(upstream.address.port, '127.0.0.1', resolve);
  });
  assert.equal((await asked).status, 200);
});

it('other protocols pass, whoever speaks first, each way ending by itself', async (t) => {
  const proxy = await proxyFor(t);
  const greeting = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write('hello\n');
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => socket.end(`you said ${Buffer.concat(parts).length}`));
  });
  const upstream = await listening(t, greeting);
  proxy.route(upstream);
  const client = connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true });
  const large = randomBytes(3_000_000);
  client.once('data', () => client.end(large));
  assert.equal(await textOf(client), `hello\nyou said ${large.length}`);
  await upstream.drained();
});

it('a connection that was opened early and speaks HTTP later is led request by request', async (t) => {
  const proxy = await proxyFor(t);
  const [one, two] = [await listening(t, named('one')), await listening(t, named('two'))];
  proxy.route(one);
  const client = connect(proxy.port, proxy.host);
  const reached = new Promise<void>((resolve) => {
    const look = () => (one.active === 1 ? resolve() : setTimeout(look, 10));
    look();
  });
  await reached;
  client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => client.once('data', resolve));
  proxy.route(two);
  await one.drained();
  client.write('GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await textOf(client), /two \/2/);
});

it('an upgraded connection stays with its copy and passes bytes both ways', async (t) => {
  const proxy = await proxyFor(t);
  const server = createHttp();
  server.on('upgrade', (asked, socket, head) => {
    socket.write(
      `HTTP/1.1 101 Switching\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n${asked.headers['x-key']}:`,
    );
    socket.write(head);
    socket.pipe(socket);
  });
  const upstream = await listening(t, server);
  proxy.route(upstream);
  const client = connect(proxy.port, proxy.host);
  client.write(
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-Key: k\r\n\r\nearly ',
  );
  await new Promise((resolve) => client.once('data', resolve));
  assert.equal(upstream.active, 1);
  client.end('late');
  assert.match(await textOf(client), /late$/);
  await upstream.drained();
});

it('a taken port, one of the mighty and a strange address say what to do', async (t) => {
  const proxy = await proxyFor(t);
  const open = (host: string, port: number) =>
    ServiceProxy.open({ clock: new SystemClock(), host, port, holdMs: 0 });
  const says = (pattern: RegExp) => (error: unknown) =>
    isEngineError(error, 'unavailable') && pattern.test(error.message);
  await assert.rejects(
    open('127.0.0.1', proxy.port),
    says(/is taken by another program; .*external_port/),
  );
  await assert.rejects(open('192.0.2.77', 0), says(/is no address of this machine; set ip/));
});

function textOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (part) => {
      text += String(part);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.on('end', () => socket.end());
  });
}
