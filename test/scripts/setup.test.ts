// `npm run setup` as a whole, and the tools of the tests, on machines of all kinds.

import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { leaveOut } from '../support/leave-out.ts';
import { canType, FakeMachine } from './fake-machine.ts';

/** What is made in a checkout, rather than kept in it. */
const MADE = /^(\.git|\.cache|node_modules|dist.*)$/;

/** Gives the copied checkout its sources, a compiler that compiles nothing, and an npm that brings the packages of this checkout. */
function withSources(machine: FakeMachine): FakeMachine {
  for (const each of readdirSync('.').filter((name) => !MADE.test(name))) {
    cpSync(each, join(machine.checkout, each), { recursive: true });
  }
  const compiler = `const { mkdirSync } = require('node:fs');
    mkdirSync(process.argv[process.argv.indexOf('--outDir') + 1]);`;
  mkdirSync(join(machine.checkout, 'compiler/bin'), { recursive: true });
  writeFileSync(join(machine.checkout, 'compiler/bin/tsc'), compiler);
  machine.program(
    'npm',
    `/bin/mkdir -p node_modules && /bin/ln -s ${resolve('node_modules')}/* node_modules/ &&
      /bin/rm node_modules/typescript && /bin/cp -R compiler node_modules/typescript &&
      : > node_modules/.package-lock.json`,
  );
  return machine;
}

describe('npm run setup', () => {
  it('makes everything ready on a bare machine, and nothing again the second time', async (t) => {
    const machine = withSources(FakeMachine.debian(t));
    machine.state('registry', '');
    machine.package('git-lfs', { 'git-lfs': '' });
    const { code, stdout, stderr } = await machine.run(['scripts/setup.mjs']);
    // The fake engine has no busybox to give away: the one thing that is lacking.
    assert.equal(
      stderr,
      'error: there is no static busybox: tests that need small images are left out\n',
      stdout,
    );
    assert.equal(code, 1);
    assert.deepEqual(machine.calls('npm'), ['npm ci --no-audit --no-fund --loglevel=error']);
    assert.ok(existsSync(`${machine.checkout}/dist/.sources`));
    assert.deepEqual(machine.images(), [
      'python:3.11-slim',
      'pachyderm/iris-train:python-svm',
      'pfs/examples:1',
      'minio/minio:latest',
    ]);
    const before = machine.calls().length;
    await machine.run(['scripts/setup.mjs']);
    const again = machine.calls().slice(before);
    assert.deepEqual(
      again.filter(
        (line) => !/^docker (version|image|create)|^apt-get .*(update|busybox-static)$/.test(line),
      ),
      [],
    );
  });

  it('goes on without Docker, and ends with all that is lacking and exit code 1', async (t) => {
    const machine = withSources(FakeMachine.debian(t));
    machine.is({ uid: 1000 });
    const { code, stderr } = await machine.run(['scripts/setup.mjs']);
    assert.equal(code, 1);
    const reasons = stderr.trim().split('\n');
    const starts = [
      'Cannot use Docker: ',
      'no S3 server: ',
      'git-lfs is not',
      'there is no static',
    ];
    for (const [index, start] of starts.entries()) {
      assert.ok(reasons[index]?.startsWith(`error: ${start}`), `${start}: ${stderr}`);
    }
    assert.equal(reasons.length, 4);
    assert.deepEqual(machine.calls('apt-get'), []);
  });
});

for (const script of ['setup', 'build', 'demo', 'test', 'bench']) {
  it(`npm run ${script} refuses a Node that is too old before it does anything`, async (t) => {
    for (const node of ['18.20.8', '20.18.3']) {
      const machine = withSources(FakeMachine.debian(t));
      machine.is({ node });
      const own = join(machine.checkout, 'test');
      rmSync(own, { recursive: true });
      mkdirSync(own);
      writeFileSync(join(own, 'own.test.ts'), '');
      const { code, stderr } = await machine.run([`scripts/${script}.mjs`]);
      assert.equal(
        stderr,
        `error: Cannot run on Node ${node}: 20.19 or newer is needed; get one from your system's packages or your Node version manager\n`,
      );
      assert.equal(code, 1);
      assert.deepEqual(machine.calls(), []);
    }
  });
}

it('tools of the tests are installed on a terminal only if the answer is yes', async (t) => {
  if (!canType) {
    leaveOut(t, 'the program script is not installed');
    return;
  }
  const machine = FakeMachine.withDocker(t);
  machine.package('git-lfs', { 'git-lfs': '' });
  const no = await machine.call('tools.mjs', 'ensureTools', { typed: 'n\r' });
  assert.match(no.stdout, /not here\. Install git-lfs and busybox-static with apt-get\? \[Y\/n\]/);
  assert.match(no.stdout, /result \["git-lfs is not installed: .*","there is no static busybox: /);
  assert.deepEqual(machine.calls('apt-get'), []);
  const yes = await machine.call('tools.mjs', 'ensureTools', { typed: 'y\r' });
  assert.match(yes.stdout, /result \["there is no static busybox: /);
  assert.match(machine.calls('apt-get')[1] ?? '', / install .* git-lfs busybox-static$/);
});

describe('npm test', () => {
  /** Makes a checkout with one test, which lacks something; `named` is a tool that it names beside. */
  const withTest = (t: TestContext, named = '') => {
    const machine = withSources(FakeMachine.withDocker(t));
    for (const folder of ['test/support', 'node_modules']) {
      mkdirSync(join(machine.checkout, folder), { recursive: true });
    }
    symlinkSync(resolve('node_modules/tsx'), join(machine.checkout, 'node_modules/tsx'));
    writeFileSync(join(machine.checkout, 'node_modules/.package-lock.json'), '');
    cpSync('test/support/leave-out.ts', join(machine.checkout, 'test/support/leave-out.ts'));
    const text = `// ${named}
      import { it } from 'node:test';
      import { leaveOut } from './support/leave-out.ts';
      it('needs a moon', (t) => leaveOut(t, 'there is no moon'));`;
    writeFileSync(join(machine.checkout, 'test/own.test.ts'), text);
    machine.is({ uid: 1000 });
    return machine;
  };
  const run = (machine: FakeMachine, ...flags: string[]) =>
    machine.run(['scripts/test.mjs', ...flags, 'test/own.test.ts']);

  it('says what is left out, and succeeds', async (t) => {
    const { code, stdout, stderr } = await run(withTest(t, 'git-lfs'));
    assert.match(stdout, /git-lfs is not installed: tests of clones with large files are left out/);
    assert.match(stdout, /needs a moon .*# there is no moon/);
    assert.match(stdout, /skipped 1/);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });

  it('--strict fails before any test where a tool is lacking, with the reason', async (t) => {
    const { code, stdout, stderr } = await run(withTest(t, 'git-lfs'), '--strict');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: Cannot run all tests, and none may be left out here:\n {2}git-lfs is not installed/,
    );
    assert.doesNotMatch(stdout, /needs a moon/);
  });

  it('--strict fails a test that would leave itself out, with the reason', async (t) => {
    const { code, stdout } = await run(withTest(t), '--strict');
    assert.match(stdout, /PFS_REQUIRE_TOOLS is 1, but there is no moon/);
    assert.match(stdout, /skipped 0/);
    assert.equal(code, 1);
  });

  it('goes on where a tool cannot be installed, and says what apt-get said', async (t) => {
    const machine = withTest(t, 'git-lfs');
    machine.is({ uid: 0 });
    machine.program('apt-get', 'echo "E: no network" >&2; exit 100');
    const { code, stdout } = await run(machine);
    assert.match(stdout, /Cannot run "apt-get .*": exit code 100\n {2}E: no network/);
    assert.match(stdout, /needs a moon/);
    assert.equal(code, 0);
  });
});
