// Uploads, downloads and streams whose other end is slow, goes away, or lies.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { GetOptions } from '../../../engine/object/object-store.ts';
import { encodeFrameHeader, FRAME_FILE } from '../../../engine/server/frames.ts';
import { API_PREFIX, type Commit, FRAMES_TYPE } from '../../../engine/server/wire.ts';
import { TestServer, type TestServerOptions, TOKEN } from '../../support/server.ts';

const MiB = 1024 * 1024;
/** Of a file that nothing may hold whole. */
const SIZE = 256 * MiB;
const FILES = '/repos/default/r/files/master';

async function withRepo(
  t: Parameters<typeof TestServer.start>[0],
  options: TestServerOptions = {},
): Promise<TestServer> {
  const server = await TestServer.start(t, options);
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  return server;
}

/** Begins an upload and leaves it open. */
function upload(server: TestServer): ClientRequest {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': FRAMES_TYPE };
  const path = `${API_PREFIX}${FILES}`;
  return httpRequest({ host: '127.0.0.1', port: server.port, method: 'POST', path, headers });
}

/** Resolves once `holds` does; looks again whenever the event loop has turned. */
async function eventually(holds: () => boolean, what: string): Promise<void> {
  const until = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < until, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('an upload that is cut in the middle leaves nothing, and its memory comes back', async (t) => {
  const server = await withRepo(t);
  const { context, budget } = server.engine.pfs;
  const before = context.journal.seq;
  for (const cut of [0, 5, 60, 3_000_000]) {
    const request = upload(server);
    request.on('error', () => undefined);
    const bytes = Buffer.concat([
      encodeFrameHeader(FRAME_FILE, 'whole', 1),
      Buffer.from('x'),
      encodeFrameHeader(FRAME_FILE, 'cut', 20_000_000),
      Buffer.alloc(10_000_000, 1),
    ]).subarray(0, cut);
    await new Promise<void>((resolve) =>
      request.write(cut === 0 ? Buffer.from([1]) : bytes, () => resolve()),
    );
    const closed = new Promise((resolve) => request.once('close', resolve));
    request.destroy();
    await closed;
  }
  assert.equal((await server.put('r', { after: 'y' })).status, 200);
  // Waits for ever where a cut upload still holds some of it.
  (await budget.acquire(Number.MAX_SAFE_INTEGER))();
  assert.equal(context.journal.seq, before + 1);
  const { items } = await server.json<{ items: { path: string }[] }>('GET', `${FILES}/list`);
  assert.deepEqual(
    items.map(({ path }) => path),
    ['/after'],
  );
});

it('an upload that ends too early is refused whole', async (t) => {
  const server = await withRepo(t);
  const bodies = [
    Buffer.alloc(0),
    encodeFrameHeader(FRAME_FILE, 'a', 5),
    Buffer.concat([encodeFrameHeader(FRAME_FILE, 'a', 1), Buffer.from('x')]),
    Buffer.concat([
      encodeFrameHeader(FRAME_FILE, 'a', 1),
      Buffer.from('x'),
      encodeFrameHeader(0, '', 2),
    ]),
  ];
  for (const body of bodies) {
    const problem = await server.problem('POST', FILES, {
      body,
      headers: { 'content-type': FRAMES_TYPE },
    });
    assert.equal(problem.code, 'invalid');
  }
  assert.equal(
    (await server.json<{ items: [] }>('GET', '/repos/default/r/commits')).items.length,
    0,
  );
  assert.deepEqual(server.faults, []);
});

it('names that cannot be stored are refused with the reason', async (t) => {
  const server = await withRepo(t);
  for (const name of [
    '../x',
    'a/../b',
    '.git/config',
    'a/.GIT/x',
    'a\u0000b',
    '',
    '/',
    'x'.repeat(300),
    '.',
    'a\nb',
  ]) {
    const { status, text } = await server.put('r', { [name]: 'x' });
    assert.equal(status, 400, `${JSON.stringify(name)}: ${text}`);
    assert.match(text, /"detail":"Cannot /);
  }
  const bad = Buffer.concat([encodeFrameHeader(FRAME_FILE, 'a?', 0)]);
  bad[10] = 0xff;
  const body = Buffer.concat([bad, encodeFrameHeader(0, '', 1)]);
  const problem = await server.problem('POST', FILES, {
    body,
    headers: { 'content-type': FRAMES_TYPE },
  });
  assert.match(problem.detail, /not UTF-8/);
  assert.deepEqual(server.faults, []);
});

it('streams end when their reader goes away, and leave no one listening', async (t) => {
  const server = await withRepo(t);
  await server.put('r', { a: '1' });
  const { pfs } = server.engine;
  await server.json('POST', '/repos/default/r/commits', { body: { branch: 'open' } });
  await server.engine.pipeline({ name: 'p', input: 'r' });
  await server.engine.settled();
  const { journal } = pfs.context;
  const waitFor = journal.waitFor.bind(journal) as typeof journal.waitFor;
  let waiting = 0;
  journal.waitFor = async (predicate, options) => {
    waiting += 1;
    try {
      return await waitFor(predicate, options);
    } finally {
      waiting -= 1;
    }
  };
  // What the engine itself waits for begins to be counted at the next change.
  await server.put('r', { b: '1' });
  await server.engine.settled();
  const others = waiting;
  const paths = [
    '/repos/default/r/branches/master/subscribe',
    '/repos/default/r/commits/open/wait',
    '/logs?pipeline=p&follow=true',
  ];
  for (const path of paths) {
    for (let round = 0; round < 5; round += 1) {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const place = { host: '127.0.0.1', port: server.port, path: API_PREFIX + path, headers };
      const request = httpRequest({ ...place, agent: false });
      request.on('error', () => undefined);
      request.on('response', (response) => response.resume());
      request.end();
      await eventually(() => waiting > others, `nobody follows for ${path}`);
      request.destroy();
      await eventually(() => waiting === others, `${path} goes on for nobody`);
    }
  }
});

it('a subscriber sees each commit as it finishes, from the one named', async (t) => {
  const server = await withRepo(t);
  const first = JSON.parse((await server.put('r', { a: '1' })).text) as Commit;
  const route = `${API_PREFIX}/repos/default/r/branches/master/subscribe?from=${first.id}`;
  const stream = await server.open('GET', route);
  const seen: Commit[] = [];
  let text = '';
  stream.on('data', (chunk) => {
    text += String(chunk);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    seen.push(...lines.filter(Boolean).map((line) => JSON.parse(line) as Commit));
  });
  stream.on('error', () => undefined);
  const ids: string[] = [];
  for (const name of ['b', 'c', 'd']) {
    ids.push((JSON.parse((await server.put('r', { [name]: '1' })).text) as Commit).id);
  }
  await eventually(() => seen.some(({ id }) => id === ids[2]), 'the last commit does not come');
  assert.deepEqual(
    seen.map(({ id }) => id).filter((id) => id !== first.id),
    ids,
  );
  stream.destroy();
});

/** Counts what is read; puts wait while they are told to. */
class WatchedStore extends MemoryObjectStore {
  read = 0;
  wait: Promise<void> | undefined;

  override async get(key: string, options?: GetOptions): Promise<Buffer> {
    const bytes = await super.get(key, options);
    this.read += bytes.length;
    return bytes;
  }

  override async put(...[key, bytes, options]: Parameters<MemoryObjectStore['put']>) {
    await this.wait;
    await super.put(key, bytes, options);
  }
}

it('a reader who does not read has nothing read for it, of a file or of an archive', async (t) => {
  const store = new WatchedStore();
  const server = await withRepo(t, { store });
  // One after another the same bytes: the store holds them once, and each time they are read from it.
  const block = new SeededRandom(1).bytes(32 * MiB);
  const request = upload(server);
  request.write(encodeFrameHeader(FRAME_FILE, 'big', SIZE));
  for (let sent = 0; sent < SIZE; sent += block.length) {
    if (!request.write(block)) {
      await once(request, 'drain');
    }
  }
  request.end(encodeFrameHeader(0, '', 1));
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 200);
  response.resume();
  for (const path of ['/content?path=big', '?path=/&format=tar']) {
    const open = () => server.open('GET', `${API_PREFIX}${FILES}${path}`);
    store.read = 0;
    const slow = await open();
    // While one waits, another one reads all of it: as long as that takes, the engine could have read for both.
    const received = await lengthOf(await open());
    const ahead = store.read - SIZE;
    assert.ok(received >= SIZE);
    assert.ok(ahead >= 0, 'every byte comes from the store');
    assert.ok(ahead < 96 * MiB, `${ahead} bytes were read of ${path} for who does not read`);
    assert.equal(await lengthOf(slow), received);
  }
  assert.deepEqual(server.faults, []);
});

it('a store that takes nothing stops who writes, at what the engine may hold', async (t) => {
  const store = new WatchedStore();
  const server = await withRepo(t, { store });
  let goOn = (): void => undefined;
  store.wait = new Promise((resolve) => {
    goOn = resolve;
  });
  const request = upload(server);
  request.on('error', () => undefined);
  request.write(encodeFrameHeader(FRAME_FILE, 'big', SIZE * 2));
  const random = new SeededRandom(2);
  let sent = 0;
  for (let goesOn = true; goesOn && sent < SIZE * 2; sent += MiB) {
    goesOn = request.write(random.bytes(MiB)) || (await drains(request, server));
  }
  assert.ok(sent < 320 * MiB, `${sent} bytes were taken while nothing could be stored`);
  assert.ok(sent > 32 * MiB, 'something is taken');
  request.destroy();
  goOn();
  await server.close();
});

/** Returns whether a stream takes more within the time in which the engine answers so many questions, one after another. */
async function drains(stream: ClientRequest, server: TestServer): Promise<boolean> {
  let hasDrained = false;
  stream.once('drain', () => {
    hasDrained = true;
  });
  for (let n = 0; n < 200 && !hasDrained; n++) {
    await server.json('GET', '/version');
  }
  return hasDrained;
}

async function lengthOf(response: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
  }
  return bytes;
}

it('parts of a file are answered as HTTP says', async (t) => {
  const server = await withRepo(t);
  await server.put('r', { f: '0123456789', empty: '' });
  const cases: readonly (readonly [string, number, string, string | undefined])[] = [
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-30', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=9-9', 206, '9', 'bytes 9-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    [`bytes=${'9'.repeat(30)}-`, 416, '', 'bytes */10'],
    ['bytes=5-2', 200, '0123456789', undefined],
    ['bytes=0-1,4-5', 200, '0123456789', undefined],
    ['bytes=', 200, '0123456789', undefined],
    ['bytes=-', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
    ['bytes=a-b', 200, '0123456789', undefined],
  ];
  for (const [range, status, text, contentRange] of cases) {
    const answer = await server.ask('GET', `${FILES}/content?path=f`, { headers: { range } });
    assert.equal(answer.status, status, range);
    assert.equal(answer.headers['content-range'], contentRange, range);
    if (status !== 416) {
      assert.equal(answer.text, text, range);
    }
  }
  const empty = await server.ask('GET', `${FILES}/content?path=empty`, {
    headers: { range: 'bytes=0-' },
  });
  assert.equal(empty.status, 416);
  assert.equal((await server.ask('GET', `${FILES}/content?path=empty`)).text, '');
});

it('who follows a stream does not keep the engine from ending', async (t) => {
  const server = await withRepo(t);
  await server.put('r', { a: '1' });
  const stream = await server.open(
    'GET',
    `${API_PREFIX}/repos/default/r/branches/master/subscribe`,
  );
  stream.on('error', () => undefined);
  stream.resume();
  const closed = new Promise((resolve) => stream.once('close', resolve));
  const started = performance.now();
  await server.close();
  await closed;
  assert.ok(performance.now() - started < 5000);
});
