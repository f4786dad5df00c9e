// The Unix socket of an engine: the same answers to the same people as at its address.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { openLocalSocket } from '../../../engine/server/local-socket.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'pfs-socket-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function listening(t: TestContext): Promise<{ server: FastifyInstance; address: string }> {
  const server = fastify({ forceCloseConnections: 'idle' });
  server.get('/', () => ({ ok: true }));
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  return { server, address };
}

function ask(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ path: '/', agent: false, ...options }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** Returns a promise, and what resolves it. */
function gate(): [Promise<void>, () => void] {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [opened, open];
}

function never(error: unknown): void {
  throw error;
}

it('answers there as at its address, to its owner alone, in the place of a dead socket', async (t) => {
  const path = join(folder(t), 'engine.sock');
  writeFileSync(path, 'of an engine that was killed');
  const { server } = await listening(t);
  const socket = await openLocalSocket(server, path, never);
  assert.equal(socket?.path, path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(await ask({ socketPath: path }), '{"ok":true}');
  await Promise.all([server.close(), socket?.close()]);
  assert.ok(!existsSync(path));
  await assert.rejects(ask({ socketPath: path }), { code: 'ENOENT' });
});

it('waits at its end for what is under way there', async (t) => {
  const path = join(folder(t), 'engine.sock');
  const server = fastify({ forceCloseConnections: 'idle' });
  const [asked, isAsked] = gate();
  const [answered, mayAnswer] = gate();
  server.get('/', async () => {
    isAsked();
    await answered;
    return { ok: true };
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const socket = await openLocalSocket(server, path, never);
  const asking = ask({ socketPath: path });
  await asked;
  let isClosed = false;
  const closed = Promise.all([server.close(), socket?.close()]).then(() => {
    isClosed = true;
  });
  assert.equal(await Promise.race([closed, new Promise((turn) => setImmediate(turn))]), undefined);
  assert.ok(!isClosed);
  mayAnswer();
  assert.equal(await asking, '{"ok":true}');
  await closed;
});

it('does without one where its path is too long, or its folder is no folder', async (t) => {
  const { server } = await listening(t);
  const problems: unknown[] = [];
  const tell = (error: unknown) => problems.push(error);
  const long = join(folder(t), 'x'.repeat(120));
  assert.equal(await openLocalSocket(server, long, tell), undefined);
  assert.deepEqual(problems, []);
  const file = join(folder(t), 'file');
  writeFileSync(file, '');
  assert.equal(await openLocalSocket(server, join(file, 's'), tell), undefined);
  assert.equal(problems.length, 1);
});
