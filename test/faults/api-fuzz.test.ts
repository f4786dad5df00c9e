// The API as nobody should use it: every operation with values that fit nearly or not at all, broken documents, connections
// that are cut or never go on. Bad requests are refused as problems, and leave nothing behind. PFS_FUZZ_MINUTES makes it longer,
// PFS_SEED repeats its requests.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { it } from 'node:test';
import { SeededRandom } from '../../engine/base/random.ts';
import type { ApiDescription } from '../../engine/server/openapi.ts';
import type { Problem } from '../../engine/server/wire.ts';
import { ApiFuzzer, type FuzzedRequest } from '../support/api-fuzzer.ts';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { eventually } from '../support/eventually.ts';
import { chosenSeed } from '../support/seed.ts';
import { TOKEN } from '../support/server.ts';

const SEED = chosenSeed();
const MINUTES = Number(process.env.PFS_FUZZ_MINUTES ?? 0.15);
/** What an operation may take, of an engine in a test; streams without end are left after that. */
const PATIENCE_MS = 300;
const CODES = new Set([
  'not_found',
  'already_exists',
  'conflict',
  'invalid',
  'failed_precondition',
  'unauthenticated',
  'unavailable',
  'resource_exhausted',
  'cancelled',
]);
/** Ends the engine, or looks at every byte of the store each time. */
const WITHOUT = new Set(['stopEngine', 'deleteProject', 'repairStore', 'mirrorStore']);

it('bad requests are refused as problems, whatever they are, and leave nothing behind', async (t) => {
  t.diagnostic(`PFS_SEED=${SEED}`);
  const world = await startApiWorld(t);
  const { server } = world;
  const api = await server.json<ApiDescription>('GET', '/openapi.json');
  const random = new SeededRandom(SEED);
  const fuzzer = new ApiFuzzer(api, { random, values: world.values, without: WITHOUT });
  const handles = openHandles();
  const statuses = new Map<number, number>();
  const seen = new Set<string>();
  const end = performance.now() + MINUTES * 60_000;
  let count = 0;
  while (performance.now() < end) {
    const request = fuzzer.next();
    count += 1;
    seen.add(request.operation);
    const status = await look(world, request, fuzzer);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  t.diagnostic(`${count} requests of ${seen.size} operations: ${JSON.stringify([...statuses])}`);
  assert.ok((statuses.get(200) ?? 0) > 10, 'some are right');
  assert.ok((statuses.get(400) ?? 0) > 10, 'some are wrong');
  assert.deepEqual(server.faults.map(String), []);
  assert.deepEqual(readdirSync(server.scratch), []);
  await eventually('all connections are closed', () => openHandles() <= handles + 3);
  assert.deepEqual(await server.json('GET', '/version'), { engine: '1.2.3', api: 1 });
});

it('what is no HTTP, and what is too large, is refused as a problem', async (t) => {
  const { server } = await startApiWorld(t);
  const { port } = server;
  const auth = `Authorization: Bearer ${TOKEN}\r\nHost: localhost`;
  const cases: readonly (readonly [what: string, text: string, status: number])[] = [
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a header too large', `GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'a length that is none',
      `POST /api/v1/repos HTTP/1.1\r\n${auth}\r\nContent-Length: x\r\n\r\n`,
      400,
    ],
    [
      'a body too large',
      `POST /api/v1/repos HTTP/1.1\r\n${auth}\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n`,
      413,
    ],
    [
      'a body of an unknown kind',
      `POST /api/v1/repos HTTP/1.1\r\n${auth}\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx`,
      415,
    ],
    ['an address that is none', `GET /api/v1/repos/%E0%A4%A HTTP/1.1\r\n${auth}\r\n\r\n`, 400],
    [
      'an address too long',
      `GET /api/v1/repos/a/${'b'.repeat(9000)} HTTP/1.1\r\n${auth}\r\n\r\n`,
      404,
    ],
  ];
  for (const [what, text, status] of cases) {
    const answer = await exchange(port, text);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), `${what}: ${answer.slice(0, 300)}`);
    assert.match(answer, /content-type: application\/problem\+json/i, what);
    checkProblem(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Problem, status);
  }
  assert.deepEqual(server.faults, []);
});

it('an upload that is cut off, and a client that never goes on, keep nothing and nobody', async (t) => {
  const { server } = await startApiWorld(t);
  const { port } = server;
  const before = await server.json('GET', '/repos/default/images/branches/master');
  const head = (length: number) =>
    `POST /api/v1/repos/default/images/files/master?path=/cut HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`;
  const handles = openHandles();
  const slow: Socket[] = [];
  for (let i = 0; i < 20; i += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(head(3_000_000));
    socket.write(Buffer.alloc(500_000));
    slow.push(socket);
  }
  const stalled = connect(port, '127.0.0.1');
  stalled.on('error', () => undefined);
  stalled.write('GET /api/v1/engine HTTP/1.1\r\nHost: loc');
  slow.push(stalled);
  // Those that wait hold up nobody.
  const { status } = await server.put('images', { quick: '1' });
  assert.equal(status, 200);
  for (const socket of slow) {
    socket.destroy();
  }
  await eventually('all connections are closed', () => openHandles() <= handles + 3);
  const { items } = await server.json<{ items: { path: string }[] }>(
    'GET',
    '/repos/default/images/files/master/list?path=/',
  );
  assert.deepEqual(
    items.map(({ path }) => path).filter((path) => path === '/cut'),
    [],
  );
  assert.notDeepEqual(await server.json('GET', '/repos/default/images/branches/master'), before);
  assert.deepEqual(readdirSync(server.scratch), []);
  assert.deepEqual(server.faults.map(String), []);
});

/** Sends a request and looks at the answer; returns its status, 0 for one that was left. */
async function look(
  { server }: ApiWorld,
  request: FuzzedRequest,
  fuzzer: ApiFuzzer,
): Promise<number> {
  const { method, path, headers, body } = request;
  const shown = `PFS_SEED=${SEED}: ${request.operation} ${method} ${path.slice(0, 500)} ${JSON.stringify(headers)} ${String(body).slice(0, 500)}`;
  const isCut = fuzzer.chance(0.05);
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), isCut ? 1 : PATIENCE_MS);
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, connection: 'close', ...headers },
      signal: gone.signal,
      ...(body === undefined ? {} : { body: body as string }),
    });
    const { status } = response;
    const text = status >= 400 ? await response.text() : '';
    if (status >= 400) {
      assert.match(
        response.headers.get('content-type') ?? '',
        /^application\/problem\+json/,
        shown,
      );
      const problem = JSON.parse(text) as Problem;
      assert.ok(status < 500 || status === 503, `${shown}\n${text}`);
      assert.ok(CODES.has(problem.code), `${shown}\n${text}`);
      assert.doesNotMatch(problem.detail, /\n\s+at |node_modules|TypeError|undefined/, shown);
    } else {
      await drain(response);
    }
    return status;
  } catch (error) {
    if (gone.signal.aborted || (error as Error).name === 'TypeError') {
      return 0;
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function drain(response: Response): Promise<void> {
  for await (const _ of response.body ?? []) {
    // Read to its end, or until it is left.
  }
}

function checkProblem(problem: Problem, status: number): void {
  assert.equal(problem.status, status);
  assert.ok(CODES.has(problem.code), problem.code);
  assert.match(problem.detail, /^Cannot /);
}

/** Sends text as it is and returns all that comes back. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) {
    answer += String(chunk);
    const [head = '', body] = answer.split('\r\n\r\n');
    const [, length] = /content-length: (\d+)/i.exec(head) ?? [];
    if (body !== undefined && Buffer.byteLength(body) >= Number(length)) {
      break;
    }
  }
  socket.destroy();
  return answer;
}

/** Returns how many sockets this process has open. */
function openHandles(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // It was that of this listing.
      return false;
    }
  }).length;
}
