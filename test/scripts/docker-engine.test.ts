// A Docker engine for whoever clones the repository: found, or installed and started, or a sentence on how to get one.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { leaveOut } from '../support/leave-out.ts';
import { canType, FakeMachine, type Options } from './fake-machine.ts';

const ensure = (machine: FakeMachine, options?: Options) =>
  machine.call('docker.mjs', 'ensureDocker', options);

/** Everything that would change the machine. */
function changes(machine: FakeMachine): string[] {
  return machine.calls().filter((line) => /^(apt-get|dockerd|systemctl)\b/.test(line));
}

const installation = (packages: string) => [
  'apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -q update',
  `apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -q install -y --no-install-recommends ${packages}`,
];

describe('an engine that runs', () => {
  it('is used, and nothing is installed, started or said', async (t) => {
    const machine = FakeMachine.withDocker(t);
    const { code, stdout, stderr } = await ensure(machine);
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 0, stdout: 'result undefined\n', stderr: '' },
    );
    assert.deepEqual(machine.calls(), ['docker version --format {{.Server.Version}}']);
  });

  it('is used by those who are not root, wherever DOCKER_HOST says it is', async (t) => {
    const machine = FakeMachine.withDocker(t);
    machine.is({ uid: 1000 });
    assert.equal((await ensure(machine, { env: { DOCKER_HOST: 'tcp://box:2375' } })).code, 0);
    assert.deepEqual(changes(machine), []);
  });
});

describe('where there is no engine, root on Debian', () => {
  it('gets it installed and started without a question when nobody sits at a terminal', async (t) => {
    const machine = FakeMachine.debian(t);
    const { code, stdout, stderr } = await ensure(machine);
    assert.equal(code, 0, stderr);
    assert.deepEqual(changes(machine), [...installation('docker.io iptables'), 'dockerd ']);
    assert.match(stdout, /installing docker\.io, iptables with apt-get …/);
    assert.match(stdout, /no systemd here: dockerd runs in the background and stays/);
    assert.doesNotMatch(stdout, /\[Y\/n\]/);
    assert.ok(!existsSync(join(machine.locks(), 'docker.lock')), 'the lock is released');
  });

  it('gets only what is missing', async (t) => {
    const machine = FakeMachine.debian(t);
    machine.dockerCommand();
    machine.program('iptables');
    machine.program('dockerd', 'echo 1 > "$STATE/up"');
    assert.equal((await ensure(machine)).code, 0);
    assert.deepEqual(changes(machine), ['dockerd ']);
  });

  it('gets the command from a package of its own where docker.io has none', async (t) => {
    const machine = FakeMachine.debian(t);
    machine.program('iptables');
    machine.program('dockerd', 'echo 1 > "$STATE/up"');
    machine.package('docker-cli', { docker: '[ -e "$STATE/up" ] && echo 26.1' });
    assert.equal((await ensure(machine)).code, 0);
    assert.deepEqual(changes(machine), [...installation('docker-cli'), 'dockerd ']);
  });

  it('has it started by systemd where that runs', async (t) => {
    const machine = FakeMachine.debian(t);
    machine.system('run/systemd/system/x', '');
    machine.program('systemctl', 'echo 1 > "$STATE/up"');
    assert.equal((await ensure(machine)).code, 0);
    assert.deepEqual(changes(machine).slice(2), ['systemctl start docker']);
  });

  it('is told what apt-get said when it fails, and nothing is started', async (t) => {
    const machine = FakeMachine.debian(t);
    machine.program('apt-get', 'echo "E: Unable to locate package docker.io" >&2; exit 100');
    const { code, stderr } = await ensure(machine);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: Cannot run "apt-get .* update": exit code 100\n {2}E: Unable to loc/,
    );
    assert.equal(changes(machine).length, 1);
  });

  it('is told what dockerd said when it ends at once', async (t) => {
    const machine = FakeMachine.debian(t);
    machine.package('docker.io', { dockerd: 'echo "failed to mount cgroup" >&2; exit 1' });
    const { code, stderr } = await ensure(machine);
    assert.equal(code, 1);
    assert.match(stderr, /^error: Cannot start the Docker engine: dockerd ended; its log is /);
    assert.match(stderr, /\n {2}failed to mount cgroup\n$/);
  });
});

describe('on a terminal', () => {
  for (const [typed, key] of [
    ['n\r', 'n'],
    ['what?\r', 'no clear answer'],
    ['\u0004', 'Ctrl-D'],
  ] as const) {
    it(`${key} leaves the machine as it is, and says how to get an engine`, async (t) => {
      if (!canType) {
        leaveOut(t, 'the program script is not installed');
        return;
      }
      const machine = FakeMachine.debian(t);
      const { code, stdout } = await ensure(machine, { typed });
      assert.match(
        stdout,
        /Docker is needed: the docker command is not installed\. Install docker\.io and iptables with apt-get and start it\? \[Y\/n\]/,
      );
      assert.match(
        stdout,
        /error: Cannot use Docker: the docker command is not installed; .*apt-get install docker\.io/,
      );
      assert.equal(code, 1);
      assert.deepEqual(changes(machine), []);
    });
  }

  it('Ctrl-C ends the set-up at once and gives the lock back', async (t) => {
    if (!canType) {
      leaveOut(t, 'the program script is not installed');
      return;
    }
    const machine = FakeMachine.debian(t);
    const { code, stdout } = await ensure(machine, { typed: '\u0003' });
    assert.equal(code, 130, stdout);
    assert.doesNotMatch(stdout, /Warning|error/);
    assert.deepEqual(changes(machine), []);
    assert.ok(!existsSync(join(machine.locks(), 'docker.lock')));
  });

  for (const [typed, key] of [
    ['y\r', 'y'],
    ['\r', 'Enter'],
  ] as const) {
    it(`${key} installs and starts it, after one question`, async (t) => {
      if (!canType) {
        leaveOut(t, 'the program script is not installed');
        return;
      }
      const machine = FakeMachine.debian(t);
      const { code, stdout } = await ensure(machine, { typed });
      assert.equal(code, 0, stdout);
      assert.equal(stdout.match(/\? \[Y\/n\]/g)?.length, 1, stdout);
      assert.deepEqual(changes(machine), [...installation('docker.io iptables'), 'dockerd ']);
    });
  }

  it('an engine that is installed is not started unasked either', async (t) => {
    if (!canType) {
      leaveOut(t, 'the program script is not installed');
      return;
    }
    const machine = FakeMachine.debian(t);
    machine.dockerCommand();
    machine.program('iptables');
    machine.program('dockerd', 'echo 1 > "$STATE/up"');
    const { code, stdout } = await ensure(machine, { typed: 'n\r' });
    assert.match(
      stdout,
      /Docker is needed: Cannot connect to the Docker daemon\. Start it\? \[Y\/n\]/,
    );
    assert.equal(code, 1);
    assert.deepEqual(changes(machine), []);
  });
});

describe('nothing is installed, and the sentence says what to do,', () => {
  /** Makes a machine that has the docker command and no engine, and asserts its refusal. */
  const refuses = (
    name: string,
    arrange: (machine: FakeMachine) => Options | undefined,
    sentence: string,
  ): void => {
    it(name, async (t) => {
      const machine = FakeMachine.debian(t);
      machine.dockerCommand();
      const { code, stdout, stderr } = await ensure(machine, arrange(machine));
      assert.deepEqual(
        { code, stdout, stderr },
        { code: 1, stdout: '', stderr: `error: ${sentence}\n` },
      );
      assert.deepEqual(changes(machine), []);
    });
  };
  const start =
    'start it (sudo systemctl start docker), or install it (on Debian and Ubuntu: sudo apt-get install docker.io), then run this again';

  refuses(
    'for a user who is not root',
    (machine) => {
      machine.is({ uid: 1000 });
      return undefined;
    },
    `Cannot use Docker: Cannot connect to the Docker daemon; ${start}`,
  );
  refuses(
    'for a user who is not root, without the docker command',
    (machine) => {
      machine.is({ uid: 1000 });
      machine.remove('docker');
      return undefined;
    },
    `Cannot use Docker: the docker command is not installed; ${start}`,
  );
  refuses(
    'for a user who may not use the socket',
    (machine) => {
      machine.is({ uid: 1000 });
      machine.state('reason', 'dial unix /var/run/docker.sock: connect: permission denied\n');
      return undefined;
    },
    'Cannot use Docker: dial unix /var/run/docker.sock: connect: permission denied; add yourself to the group that may use it (sudo usermod -aG docker "$USER") and log in again',
  );
  refuses(
    'on macOS',
    (machine) => {
      machine.is({ uid: 501, platform: 'darwin' });
      return undefined;
    },
    'Cannot use Docker: Cannot connect to the Docker daemon; install and start Docker Desktop, OrbStack or Colima, then run this again',
  );
  refuses(
    'for root on a system that is neither Debian nor Ubuntu',
    (machine) => {
      machine.system('etc/os-release', 'ID="fedora"\nVERSION_CODENAME=""\n');
      return undefined;
    },
    `Cannot use Docker: Cannot connect to the Docker daemon; ${start}`,
  );
  refuses(
    'for root where there is no apt-get',
    (machine) => {
      machine.remove('apt-get');
      return undefined;
    },
    `Cannot use Docker: Cannot connect to the Docker daemon; ${start}`,
  );
  refuses(
    'for root whose DOCKER_HOST is another engine',
    () => ({ env: { DOCKER_HOST: 'tcp://box:2375' } }),
    'Cannot use Docker: Cannot connect to the Docker daemon; DOCKER_HOST is "tcp://box:2375": start that engine, or unset it',
  );
  refuses(
    'for root whose context is another engine',
    (machine) => {
      machine.state('context', 'lab ssh://lab\n');
      return undefined;
    },
    'Cannot use Docker: Cannot connect to the Docker daemon; the Docker context "lab" means ssh://lab: start that engine, or choose another (docker context use default)',
  );
  refuses(
    'for root whose context does not exist',
    (machine) => {
      machine.program('docker', 'echo \'context "lab": context not found\' >&2; exit 1');
      return undefined;
    },
    'Cannot use Docker: context "lab": context not found; choose a context that exists (docker context ls shows them)',
  );

  it('and a DOCKER_HOST that is the usual socket is no other engine', async (t) => {
    const machine = FakeMachine.debian(t);
    const env = { DOCKER_HOST: 'unix:///var/run/docker.sock' };
    assert.equal((await ensure(machine, { env })).code, 0);
    assert.equal(changes(machine).at(-1), 'dockerd ');
  });
});

it('dockerd goes on after the set-up has ended, and writes into a log', async (t) => {
  const machine = FakeMachine.debian(t);
  const pipe = 'echo $$ > "$STATE/pid"; echo ready; echo 1 > "$STATE/up"; exec /bin/sleep 60';
  machine.package('docker.io', { dockerd: pipe });
  assert.equal((await ensure(machine)).code, 0);
  const pid = Number(readFileSync(join(machine.checkout, '../state/pid'), 'utf8'));
  // Throws where there is no such process.
  process.kill(pid, 'SIGKILL');
  assert.equal(readFileSync(join(machine.checkout, '.cache/dockerd.log'), 'utf8'), 'ready\n');
});
