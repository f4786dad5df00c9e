// The images of the examples: pulled or made where they are missing, and never in the place of one that exists.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { leaveOut } from '../support/leave-out.ts';
import { canType, FakeMachine, type Options } from './fake-machine.ts';

const IRIS = 'pachyderm/iris-train:python-svm';
const EXAMPLES = 'pfs/examples:1';
const USUAL = 'python:3.11-slim';
const LOCAL = 'pfs/base:bookworm';

const ensure = (machine: FakeMachine, options?: Options) =>
  machine.call('example-images.mjs', 'ensureExampleImages', options);

function builds(machine: FakeMachine): string[] {
  return machine.calls('docker').filter((line) => line.startsWith('docker build '));
}

/** Everything that makes an image, or changes the machine. */
function changes(machine: FakeMachine): string[] {
  const making = /^(docker (build|pull|import|tag|rmi)\b|apt-get|debootstrap)/;
  return machine.calls().filter((line) => making.test(line));
}

describe('images that exist', () => {
  it('are neither built nor pulled again', async (t) => {
    const machine = FakeMachine.withDocker(t, [IRIS, EXAMPLES]);
    const { code, stdout } = await ensure(machine);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'result undefined\n' });
    assert.deepEqual(changes(machine), []);
  });

  it('are kept where only the other one is missing', async (t) => {
    const machine = FakeMachine.withDocker(t, [EXAMPLES, USUAL]);
    assert.equal((await ensure(machine)).code, 0);
    assert.equal(builds(machine).length, 1);
    assert.match(
      builds(machine)[0] ?? '',
      /--tag pachyderm\/iris-train:python-svm .*docker\/iris-train$/,
    );
  });

  it('are kept, and it is said how to renew them, when they were built from older sources', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.program('docker', '[ "$2" = ls ] && echo deadbeef || echo 0123456789abcdef');
    const { code, stdout } = await ensure(machine);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /pfs\/examples:1 was built from an older docker\/examples and is kept; .*docker rmi pfs\/examples:1/,
    );
    assert.deepEqual(changes(machine), []);
  });

  it('are not taken for missing because the engine fails to say what it has', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.program('docker', 'echo "Error response from daemon: i/o timeout" >&2; exit 1');
    const { code, stderr } = await ensure(machine);
    assert.equal(code, 1);
    assert.match(stderr, /^error: Cannot run "docker image ls .*": exit code 1\n.*i\/o timeout/);
    assert.deepEqual(changes(machine), []);
  });
});

describe('images that are missing', () => {
  it('are built on an image that is here, without the network', async (t) => {
    const machine = FakeMachine.withDocker(t, [USUAL]);
    const { code, stdout } = await ensure(machine);
    assert.equal(code, 0);
    const [iris = '', examples = '', ...more] = builds(machine);
    assert.match(
      iris,
      new RegExp(
        `^docker build --quiet --build-arg BASE=${USUAL} .*--tag ${IRIS} .*/docker/iris-train$`,
      ),
    );
    assert.match(examples, new RegExp(`BASE=${USUAL} .*--tag ${EXAMPLES} .*/docker/examples$`));
    assert.deepEqual(more, []);
    assert.match(stdout, /building the image pfs\/examples:1 on python:3\.11-slim: done in /);
    assert.deepEqual(changes(machine), builds(machine));
    assert.deepEqual(machine.images(), [USUAL, IRIS, EXAMPLES]);
  });

  it('start from an image that is pulled once', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.state('registry', '');
    assert.equal((await ensure(machine)).code, 0);
    assert.deepEqual(changes(machine), [`docker pull --quiet ${USUAL}`, ...builds(machine)]);
    assert.equal(builds(machine).length, 2);
  });

  it('start from one that was made here before, without asking a registry', async (t) => {
    const machine = FakeMachine.withDocker(t, [LOCAL]);
    assert.equal((await ensure(machine)).code, 0);
    assert.match(builds(machine)[0] ?? '', / BASE=pfs\/base:bookworm /);
    assert.deepEqual(changes(machine), builds(machine));
  });

  it('start from one made of the mirror that apt uses, where no registry is in reach', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.system(
      'etc/apt/sources.list',
      'deb [trusted=yes] https://mirror.lan/debian bookworm main\n',
    );
    machine.program('tar');
    const { code, stdout, stderr } = await ensure(machine);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /no registry in reach \(no route to registry-1\.docker\.io\): making pfs\/base:bookworm/,
    );
    const [pull, update = '', install = '', debootstrap = '', imported = '', ...rest] =
      changes(machine);
    assert.equal(pull, `docker pull --quiet ${USUAL}`);
    assert.match(`${update}\n${install}`, / update\n.* install .* debootstrap$/);
    assert.match(
      debootstrap,
      /^debootstrap --variant=minbase --include=ca-certificates bookworm \S+\/root https:\/\/mirror\.lan\/debian$/,
    );
    assert.match(imported, /^docker import \S+\/root\.tar pfs\/base:bookworm$/);
    assert.deepEqual(rest, builds(machine));
    assert.match(rest[0] ?? '', / BASE=pfs\/base:bookworm /);
    const left = readdirSync(join(machine.checkout, '../tmp'), { recursive: true });
    assert.deepEqual(
      left.filter((name) => /base|lock/.test(String(name))),
      [],
    );
  });

  it('finds the mirror in the newer form of the configuration too', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.system(
      'etc/apt/sources.list.d/debian.sources',
      'Types: deb\nURIs: http://sec.lan\nSuites: bookworm-security\n\nTypes: deb\nURIs: http://new.lan/debian\nSuites: bookworm bookworm-updates\n',
    );
    machine.program('tar');
    machine.program('debootstrap');
    assert.equal((await ensure(machine)).code, 0);
    assert.match(machine.calls('debootstrap')[0] ?? '', / http:\/\/new\.lan\/debian$/);
    assert.deepEqual(machine.calls('apt-get'), []);
  });

  it('leave no image behind that a failing tar cut short', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.program('tar', 'echo "tar: No space left on device" >&2; exit 2');
    const { code, stderr } = await ensure(machine);
    assert.equal(code, 1);
    assert.match(stderr, /Cannot run "tar .*": exit code 2\n {2}tar: No space left/);
    assert.deepEqual(machine.images(), []);
  });

  it('are refused, with what to do, where nothing can be pulled or made', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.is({ uid: 1000 });
    const { code, stderr } = await ensure(machine);
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `error: Cannot pull the image ${USUAL}: no route to registry-1.docker.io; check the network, or put an image of that name on this machine (docker load)\n`,
    );
    assert.deepEqual(changes(machine), [`docker pull --quiet ${USUAL}`]);
  });

  it('are not made by installing debootstrap where the answer is no', async (t) => {
    if (!canType) {
      leaveOut(t, 'the program script is not installed');
      return;
    }
    const machine = FakeMachine.withDocker(t);
    const { code, stdout } = await ensure(machine, { typed: 'n\r' });
    assert.match(stdout, /made here\. Install debootstrap with apt-get\? \[Y\/n\]/);
    assert.match(stdout, /error: Cannot pull the image python:3\.11-slim: no route/);
    assert.equal(code, 1);
    assert.deepEqual(changes(machine), [`docker pull --quiet ${USUAL}`]);
  });

  it('are built once by two set-ups at the same time, of which one waits', async (t) => {
    const machine = FakeMachine.withDocker(t, [USUAL]);
    const both = await Promise.all([ensure(machine), ensure(machine)]);
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
    );
    assert.deepEqual(machine.images(), [USUAL, IRIS, EXAMPLES]);
  });
});
