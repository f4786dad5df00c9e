// What goes wrong around the engine: each a sentence for the person and an exit code, never a stack trace, and nothing half done.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CliHome, checkout, runProgram, skipWithoutDocker } from '../support/cli.ts';

const image = 'pfs/examples:1';
const spec = JSON.stringify({
  pipeline: { name: 'copy' },
  transform: { image, cmd: ['sh', '-c', 'cp /pfs/data/* /pfs/out/'] },
  input: { pfs: { repo: 'data', glob: '/*' } },
});

describe('a store that cannot be used', () => {
  for (const [store, words] of [
    ['gs://bucket', /"gs:" is no kind of store/],
    ['s3://bucket', /set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/],
  ] as const) {
    it(`${store} is refused in a sentence`, async () => {
      const home = new CliHome({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' });
      try {
        const ran = await home.run(['engine', 'start', '--store', store]);
        assert.equal(ran.code, 5);
        assert.match(ran.stderr, words);
        assertSentence(ran.stderr);
      } finally {
        await home.close();
      }
    });
  }

  it("somebody else's folder stays exactly as it is", async () => {
    const home = new CliHome();
    try {
      mkdirSync(home.path('photos'));
      writeFileSync(home.path('photos/cat.jpg'), 'meow');
      const ran = await home.run(['engine', 'start', '--store', home.path('photos')]);
      assert.equal(ran.code, 5);
      assert.match(ran.stderr, /it is not empty, and what is in it \("cat\.jpg"\) is not of pfs/);
      assert.deepEqual(readdirSync(home.path('photos')), ['cat.jpg']);
    } finally {
      await home.close();
    }
  });
});

describe('around one engine', () => {
  let home: CliHome;
  before(async () => {
    home = new CliHome({ PFS_LOG_LEVEL: 'trace' });
    await home.pfs('create-repo', 'data');
    writeFileSync(home.path('a.txt'), 'hello\n');
    await home.pfs('put-file', 'data@master', '-f', home.path('a.txt'));
  });
  after(() => home.close());

  it('a full disk behind the output is a failure', async () => {
    for (const args of [
      ['list-file', 'data@master'],
      ['get-file', 'data@master:/a.txt'],
      ['help'],
    ]) {
      const shell = ['-c', 'node "$0" "$@" > /dev/full', join(checkout, 'bin/pfs'), ...args];
      const ran = await runProgram('bash', shell, { env: home.environment });
      assert.equal(ran.code, 8, args.join(' '));
      assert.equal(
        ran.stderr,
        'Cannot write the output: the disk is full; make room and try again\n',
      );
    }
  });

  it('a reader that has seen enough is none', async () => {
    const shell = ['-c', 'set -o pipefail; node "$0" log | head -n 1', join(checkout, 'bin/pfs')];
    const ran = await runProgram('bash', shell, { env: home.environment });
    assert.deepEqual([ran.code, ran.stderr], [0, '']);
    assert.match(ran.stdout, /^ENTRY/);
  });

  it('putting nothing, from the null device, is refused where it was not asked for', async () => {
    const put = `node "$0" put file data@master a.txt < /dev/null`;
    const shell = ['-c', put, join(checkout, 'bin/pfs')];
    const ran = await runProgram('bash', shell, { env: home.environment, cwd: home.folder });
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /Say what to put; did you mean -f a\.txt\?/);
    assert.equal(await home.pfs('get-file', 'data@master:/a.txt'), 'hello\n');
  });

  it('Ctrl-C in the middle of an upload leaves nothing of it', async () => {
    const before = await home.raw('list-commit', 'data@master');
    const child = spawn(
      process.execPath,
      [join(checkout, 'bin/pfs'), 'put-file', 'data@master:/large', '-c', '-f', '-'],
      { env: { ...process.env, ...home.environment }, stdio: ['pipe', 'ignore', 'pipe'] },
    );
    const ended = once(child, 'close');
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    // What is between the two processes holds less: most of it has reached the engine.
    for (let sent = 0; sent < 40; sent++) {
      if (!child.stdin.write(Buffer.alloc(1_000_000, sent))) {
        await once(child.stdin, 'drain');
      }
    }
    child.stdin.on('error', () => undefined);
    child.kill('SIGINT');
    assert.deepEqual(await ended, [130, null]);
    assert.match(said, /^Interrupted\n$/);
    assert.deepEqual(await home.raw('list-commit', 'data@master'), before);
    assert.equal((await home.run(['inspect-file', 'data@master:/large'])).code, 3);
    assert.equal(await home.pfs('get-file', 'data@master:/a.txt'), 'hello\n');
  });

  it('addresses and tokens that are wrong are told from each other', async () => {
    for (const [env, code, words] of [
      [{ PFS_TOKEN: 'wrong' }, 7, /the token is missing or wrong/],
      [{ PFS_ADDRESS: 'ftp://there' }, 2, /Cannot use PFS_ADDRESS "ftp:\/\/there"/],
      [{ PFS_ADDRESS: 'nowhere.invalid:80' }, 5, /there is no host of that name|not known here/],
      [{ PFS_HOME: home.path('other') }, 5, /No engine is running on .*other; start it with/],
    ] as const) {
      const ran = await home.run(['engine', 'status'], { env });
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, words);
      assertSentence(ran.stderr);
    }
  });

  it('the token is for the eyes of the user alone, and is told to nobody', async () => {
    const file = home.path('home/token');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(home.path('home/engine.log')).mode & 0o077, 0);
    const token = readFileSync(file, 'utf8').trim();
    assert.ok(token.length >= 40);
    await home.run(['engine', 'status'], { env: { PFS_TOKEN: `${token}x` } });
    const told = [
      readFileSync(home.path('home/engine.log'), 'utf8'),
      readFileSync(home.path('home/engine.json'), 'utf8'),
      await home.pfs('engine', 'status', '--raw'),
      await home.pfs('engine', 'logs', '--raw'),
      await home.pfs('log', '--raw'),
      await home.pfs('doctor', '--raw'),
    ];
    assert.match(told[0] ?? '', /the engine is ready/);
    for (const text of told) {
      assert.ok(!text.includes(token), text);
    }
  });

  it('it listens to this machine alone', async (t) => {
    const { address } = JSON.parse(readFileSync(home.path('home/engine.json'), 'utf8'));
    const { hostname, port } = new URL(address);
    assert.equal(hostname, '127.0.0.1');
    assert.equal(await answers('127.0.0.1', Number(port)), true);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal);
    t.diagnostic(`${others.length} other addresses`);
    for (const other of others) {
      assert.equal(await answers(other.address, Number(port)), false, other.address);
    }
  });

  it('an engine that was killed is started again, with all that it acknowledged', async () => {
    const { pid } = JSON.parse(readFileSync(home.path('home/engine.json'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    assert.equal(await home.pfs('get-file', 'data@master:/a.txt'), 'hello\n');
  });
});

describe('without Docker', { skip: skipWithoutDocker([image]) }, () => {
  it('waiting for a job says what is missing and ends with 9; with Docker back it runs', async () => {
    const home = new CliHome({ DOCKER_HOST: 'tcp://127.0.0.1:9' });
    try {
      await home.pfs('create-repo', 'data');
      writeFileSync(home.path('a.txt'), 'hello\n');
      await home.pfs('put-file', 'data@master', '-f', home.path('a.txt'));
      writeFileSync(home.path('copy.json'), spec);
      await home.pfs('create-pipeline', home.path('copy.json'));
      const ran = await home.run(['wait', 'commit', 'copy@master']);
      assert.equal(ran.code, 9);
      assert.match(
        ran.stderr,
        /Job copy@[0-9a-f]{32} cannot run: Cannot use Docker: .*ECONNREFUSED/,
      );
      const listed = await home.inspect<{ reason: string }>('inspect', 'job', 'copy');
      assert.match(listed.reason, /Cannot use Docker/);

      await home.pfs('engine', 'stop');
      const back = { env: { DOCKER_HOST: undefined } };
      assert.equal((await home.run(['wait', 'job', 'copy'], back)).code, 0);
      assert.equal(await home.pfs('get-file', 'copy@master:/a.txt'), 'hello\n');
    } finally {
      await home.run(['engine', 'stop']);
      await home.close();
    }
  });
});

/** Whether something takes a connection there. */
function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 5000 });
    const end = (isOpen: boolean) => () => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
  });
}

function assertSentence(text: string): void {
  assert.doesNotMatch(text, /\n\s+at |node:internal|Error:/);
  assert.equal(text.trim().split('\n').length, 1, text);
}
