import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Context } from '../../../cli/context.ts';
import { EXIT_CODES, exitCodeOf } from '../../../cli/exit-codes.ts';
import { Output } from '../../../cli/output.ts';
import { followJob } from '../../../cli/wait.ts';
import { FakeEngine, runCli, sendJson, sendProblem } from './fake-engine.ts';

const ID = '018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e';
let engine: FakeEngine;

before(async () => {
  engine = await FakeEngine.start();
});
after(() => engine.stop());
beforeEach(() => {
  engine.seen.length = 0;
  engine.early = undefined;
  engine.handler = () => false;
});

describe('problems of the engine', () => {
  const codes: readonly (readonly [string, number])[] = [
    ['invalid', 2],
    ['not_found', 3],
    ['already_exists', 4],
    ['conflict', 4],
    ['failed_precondition', 4],
    ['unauthenticated', 7],
    ['resource_exhausted', 8],
    ['unavailable', 9],
    ['corrupt', 1],
    ['internal', 1],
    ['a code of a later engine', 1],
  ];
  for (const [code, exit] of codes) {
    it(`${code} ends with ${exit} and the sentence of the engine alone`, async () => {
      engine.handler = (_, response) => sendProblem(response, code, 'Cannot do it: no');
      const ran = await runCli(['list-repo'], { address: engine.address });
      assert.equal(ran.code, exit);
      assert.match(ran.stderr, /^Cannot do it: no[^\n]*\n$/);
      assert.equal(ran.stdout, '');
    });
  }

  it('at the end of a stream they end it', async () => {
    engine.handler = (_, response) => {
      response.write(`${JSON.stringify({ message: 'first' })}\n\n`);
      response.end(`${JSON.stringify({ problem: { code: 'not_found', detail: 'It is gone' } })}\n`);
    };
    const { code, stdout, stderr } = await runCli(['logs', 'p'], { address: engine.address });
    assert.deepEqual([code, stdout, stderr], [3, 'first\n', 'It is gone\n']);
  });

  it('every exit code stands once in the table', () => {
    const exits = EXIT_CODES.map(({ exit }) => exit);
    assert.equal(new Set(exits).size, exits.length);
    const codes = EXIT_CODES.flatMap((row) => row.codes);
    assert.equal(new Set(codes).size, codes.length);
    assert.equal(exitCodeOf('interrupted'), 130);
  });
});

describe('broken connections', () => {
  it('a write is tried three times, under one key', async () => {
    let left = 2;
    const keys = new Set<unknown>();
    engine.early = (response, incoming) => {
      keys.add(incoming.headers['idempotency-key']);
      left -= 1;
      if (left >= 0) {
        response.destroy();
      }
      return left >= 0;
    };
    const { code } = await runCli(['create-repo', 'x'], { address: engine.address });
    assert.equal(code, 0);
    assert.equal(keys.size, 1);
    assert.equal(engine.seen.length, 1);
  });

  it('a write that breaks every time says that the engine died', async () => {
    let tries = 0;
    engine.early = (response) => {
      tries += 1;
      response.destroy();
      return true;
    };
    const { code, stderr } = await runCli(['create-repo', 'x'], { address: engine.address });
    assert.equal(code, 5);
    assert.equal(tries, 3);
    assert.match(stderr, /broke the connection before it answered; .*\n$/);
  });

  it('nothing that listens at an address far away is no reason to start an engine', async () => {
    const { code, stderr } = await runCli(['list-repo'], { address: 'http://pfs.invalid:1' });
    assert.equal(code, 5);
    assert.match(stderr, /^Cannot reach the engine at http:\/\/pfs\.invalid:1: .*PFS_ADDRESS\n$/);
  });

  it('something that is no engine is told as such', async () => {
    engine.handler = (_, response) => response.end('<html>');
    const { code, stderr } = await runCli(['list-repo'], { address: engine.address });
    assert.equal(code, 5);
    assert.match(stderr, /it is not a pfs engine/);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('220 mail\r\n');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const other = await runCli(['list-repo'], { address: `http://127.0.0.1:${port}` });
    server.close();
    assert.equal(other.code, 5);
  });

  it('Ctrl-C while the engine works ends with 130', async () => {
    const interrupt = new AbortController();
    engine.handler = () => interrupt.abort();
    const ran = await runCli(['list-repo'], { address: engine.address, signal: interrupt.signal });
    assert.deepEqual([ran.code, ran.stderr], [130, 'Interrupted\n']);
  });
});

describe('waiting', () => {
  const job = (state: string) => ({
    project: 'default',
    pipeline: 'p',
    id: ID,
    state,
    reason: state === 'running' ? '' : 'datum d failed',
    started: null,
    finished: null,
    restarts: 0,
    datums: { total: 2, processed: 1, skipped: 0, failed: 1, recovered: 0 },
    stats: { downloadBytes: 0, uploadBytes: 0 },
  });

  for (const [state, exit] of [
    ['success', 0],
    ['failure', 6],
    ['killed', 6],
    ['unrunnable', 6],
  ] as const) {
    it(`for a job that ends as ${state} ends with ${exit}`, async () => {
      engine.handler = (_, response) =>
        response.end(`${JSON.stringify(job('running'))}\n${JSON.stringify(job(state))}\n`);
      const ran = await runCli(['wait', 'job', `p@${ID}`], { address: engine.address });
      assert.equal(ran.code, exit);
      assert.match(ran.stdout, /1 \+ 0 \/ 2, 1 failed/);
      assert.equal(ran.stderr === '', exit === 0);
    });
  }

  it('says once why a job cannot run, and gives up on one that stays so', async () => {
    const held = { ...job('created'), reason: 'Cannot use Docker: it is not there' };
    engine.handler = (_, response) => response.write(`${JSON.stringify(held)}\n`.repeat(2));
    const stderr: string[] = [];
    const sink = { write: () => true, once: () => undefined };
    const output = new Output({
      stdout: sink,
      stderr: { ...sink, write: (text: string | Uint8Array) => stderr.push(String(text)) > 0 },
      raw: false,
      color: false,
      times: { now: 0, full: false },
    });
    const context = new Context({
      output,
      env: { PFS_ADDRESS: engine.address, PFS_TOKEN: 'x' },
      signal: new AbortController().signal,
      stdin: Readable.from([]),
    });
    const name = { pipeline: { project: 'default', name: 'p' }, id: ID };
    await assert.rejects(followJob(context, name, { patienceMs: 50 }), {
      code: 'unavailable',
      message:
        /^Job p@[0-9a-f]{32} cannot run: Cannot use Docker: it is not there\. It runs by itself/,
    });
    assert.deepEqual(stderr, [`Job p@${ID} cannot run yet: Cannot use Docker: it is not there\n`]);
  });

  it('waits on for a job that can run again', async () => {
    engine.handler = (_, response) => {
      const held = { ...job('created'), reason: 'Cannot pull the image' };
      response.write(`${JSON.stringify(held)}\n${JSON.stringify(job('running'))}\n`);
      setTimeout(() => response.end(`${JSON.stringify(job('success'))}\n`), 5);
    };
    const ran = await runCli(['wait', 'job', `p@${ID}`], { address: engine.address });
    assert.equal(ran.code, 0);
    assert.match(ran.stderr, /^Job p@[0-9a-f]+ cannot run yet: Cannot pull the image\n$/);
  });

  it('for the newest job of a pipeline asks for it first', async () => {
    engine.handler = ({ path }, response) => {
      if (path === '/jobs') {
        sendJson(response, 200, { items: [job('running')], next: 'more' });
      } else {
        response.end(`${JSON.stringify(job('success'))}\n`);
      }
    };
    const { code } = await runCli(['wait-job', 'p'], { address: engine.address });
    assert.equal(code, 0);
    assert.deepEqual(
      engine.seen.map(({ path }) => path),
      ['/jobs', `/pipelines/default/p/jobs/${ID}/wait`],
    );
  });
});

it('a different version of the engine is told on standard error', async () => {
  engine.handler = (_, response) => {
    response.setHeader('pfs-version', '9.9.9');
    sendJson(response, 200, { items: [], next: null });
  };
  const { code, stderr } = await runCli(['list-repo'], { address: engine.address });
  assert.equal(code, 0);
  assert.match(stderr, /^Warning: .*9\.9\.9.*\n$/);
});
