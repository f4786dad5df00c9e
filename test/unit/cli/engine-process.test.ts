import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type StartOptions, startEngine } from '../../../cli/engine-process.ts';
import { Home } from '../../../cli/home.ts';
import { isAlive, waitForEnd } from '../../../cli/process-life.ts';
import { runCli } from './fake-engine.ts';

/** Stands in for an engine: answers, and leaves its record and a mark of its own. */
const SCRIPT = `
const { createServer } = require('node:http');
const { writeFileSync } = require('node:fs');
const home = process.env.PFS_HOME;
const server = createServer((request, response) => {
  response.setHeader('pfs-version', '0.1.0');
  response.end(JSON.stringify({ items: [], next: null }));
  if (request.method === 'POST') process.exit(0);
});
server.listen(0, '127.0.0.1', () => {
  writeFileSync(home + '/started.' + process.pid, '');
  const address = 'http://127.0.0.1:' + server.address().port;
  writeFileSync(home + '/engine.json', JSON.stringify(
    { pid: process.pid, address, store: process.env.PFS_STORE, version: '0.1.0', started: '' }));
});
`;

let folder: string;
let home: Home;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pfs-home-'));
  home = new Home({ PFS_HOME: folder });
});
afterEach(async () => {
  const pid = home.engine()?.pid;
  if (pid && isAlive(pid)) {
    process.kill(pid);
    await waitForEnd(pid);
  }
  rmSync(folder, { recursive: true, force: true });
});

function options(script: string, more: Partial<StartOptions> = {}): StartOptions {
  const file = join(folder, 'main.cjs');
  writeFileSync(file, script);
  return { home, env: { PATH: process.env.PATH }, command: [process.execPath, [file]], ...more };
}

describe('startEngine()', () => {
  it('starts one engine for many who ask at once, and none where one runs', async () => {
    const asked = options(SCRIPT);
    const records = await Promise.all([1, 2, 3].map(() => startEngine(asked)));
    records.push(await startEngine(asked));
    assert.equal(new Set(records.map(({ pid }) => pid)).size, 1);
    assert.equal(readdirSync(folder).filter((name) => name.startsWith('started.')).length, 1);
    assert.equal(existsSync(home.lockFile), false);
  });

  it('takes over the lock of a process that was killed', async () => {
    writeFileSync(home.lockFile, '999999999');
    assert.ok((await startEngine(options(SCRIPT))).pid > 0);
  });

  it('is not misled by the record of an engine that was killed', async () => {
    const record = {
      pid: 999_999_999,
      address: 'http://127.0.0.1:1',
      store: '',
      version: '',
      started: '',
    };
    writeFileSync(join(folder, 'engine.json'), JSON.stringify(record));
    assert.notEqual((await startEngine(options(SCRIPT))).pid, record.pid);
  });

  it('remembers the store, and refuses another', async () => {
    await startEngine(options(SCRIPT, { store: '/data' }));
    assert.equal(home.engine()?.store, 'file:///data');
    assert.equal(home.store(), 'file:///data');
    await assert.rejects(startEngine(options(SCRIPT, { store: 's3://other/x' })), {
      code: 'failed_precondition',
      message: /was set up with "file:\/\/\/data"/,
    });
    await startEngine(options(SCRIPT, { env: { PFS_STORE: 'file:///data' } }));
  });

  it('tells the own last error of an engine that fails, plain or as JSON', async () => {
    const plain = 'console.error("Cannot open the store: no room"); process.exit(1)';
    await assert.rejects(startEngine(options(plain)), {
      code: 'unreachable',
      message: 'Cannot start the engine: Cannot open the store: no room',
    });
    const json = `console.log('{"level":50,"msg":"Cannot reach the bucket"}'); console.log('{"level":30,"msg":"bye"}'); process.exit(1)`;
    await assert.rejects(startEngine(options(json)), /: Cannot reach the bucket$/);
    assert.equal(existsSync(home.lockFile), false);
    assert.equal(home.store(), undefined);
  });

  it('finds the engine that another way of starting has brought up', async () => {
    const first = await startEngine(options(SCRIPT));
    const second = startEngine(options('process.exit(3)'));
    assert.equal((await second).pid, first.pid);
  });
});

describe('isAlive()', () => {
  it('does not count a process that has ended and was not collected', {
    skip: process.platform === 'linux' ? false : 'needs /proc',
  }, async () => {
    // The shell starts a child, becomes a program that never collects it, and the child ends.
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    assert.equal(await waitForEnd(Number(line.toString())), false);
    assert.equal(isAlive(parent.pid ?? 0), true);
    parent.kill('SIGKILL');
  });
});

describe('engine stop', () => {
  it('waits until the process has ended', async () => {
    const { pid } = await startEngine(options(SCRIPT));
    const { code, stderr } = await runCli(['engine', 'stop'], { env: { PFS_HOME: folder } });
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(isAlive(pid), false);
  });

  it('is content where none runs', async () => {
    const { code, stderr } = await runCli(['engine-stop'], { env: { PFS_HOME: folder } });
    assert.deepEqual([code, stderr], [0, 'No engine is running\n']);
  });
});
