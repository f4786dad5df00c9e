// A reachable Docker engine: found as the docker command finds it (contexts and DOCKER_HOST included), or installed
// and started where that is possible without asking for a password.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { aptInstall, canInstall, confirm } from './apt.mjs';
import { withLock } from './lock.mjs';
import { cache } from './paths.mjs';
import { findProgram, lastLines, mustRun, run } from './run.mjs';
import { SetupError, say, step } from './say.mjs';

const log = `${cache}/dockerd.log`;
const usualSocket = 'unix:///var/run/docker.sock';

/** Returns `{ ok, reason }`: whether `docker` reaches an engine, and what it said if not. */
export async function findEngine() {
  const result = await run('docker', ['version', '--format', '{{.Server.Version}}'], {
    timeoutMs: 20_000,
  });
  if (result.code === 0 && result.stdout.trim() !== '') {
    return { ok: true };
  }
  const reason = result.missing
    ? 'the docker command is not installed'
    : result.timedOut
      ? 'the Docker engine did not answer within 20 s'
      : result.stderr.trim().split('\n').at(-1) || 'the docker command found no engine';
  return { ok: false, reason };
}

/** Makes sure that an engine is reachable. Rejects with how to get one. */
export async function ensureDocker() {
  const found = await findEngine();
  if (found.ok) {
    return;
  }
  const elsewhere = await chosenEngine(found.reason);
  if (elsewhere || !canInstall()) {
    throw new SetupError(
      `Cannot use Docker: ${found.reason}; ${elsewhere ?? remedy(found.reason)}`,
    );
  }
  await withLock('docker', () => provide(found.reason), { machine: true });
}

/**
 * Returns what to do where the user points at an engine of their own choice, by DOCKER_HOST or a context: installing
 * another one would not help.
 */
async function chosenEngine(reason) {
  const host = process.env.DOCKER_HOST ?? '';
  if (host !== '') {
    return host === usualSocket
      ? undefined
      : `DOCKER_HOST is "${host}": start that engine, or unset it`;
  }
  const format = '{{.Name}} {{.Endpoints.docker.Host}}';
  const context = await run('docker', ['context', 'inspect', '--format', format], {
    timeoutMs: 20_000,
  });
  if (context.code !== 0) {
    return /context.*not found/i.test(reason)
      ? 'choose a context that exists (docker context ls shows them)'
      : undefined;
  }
  const [name, endpoint = ''] = context.stdout.trim().split(' ');
  return endpoint === '' || endpoint === usualSocket
    ? undefined
    : `the Docker context "${name}" means ${endpoint}: start that engine, or choose another (docker context use default)`;
}

function remedy(reason) {
  if (/permission denied/i.test(reason)) {
    return 'add yourself to the group that may use it (sudo usermod -aG docker "$USER") and log in again';
  }
  return process.platform === 'darwin'
    ? 'install and start Docker Desktop, OrbStack or Colima, then run this again'
    : 'start it (sudo systemctl start docker), or install it (on Debian and Ubuntu: sudo apt-get install docker.io), then run this again';
}

async function provide(reason) {
  // Whoever held the lock before may have done it all.
  if ((await findEngine()).ok) {
    return;
  }
  const missing = [];
  if (!findProgram('dockerd')) {
    missing.push('docker.io');
  } else if (!findProgram('docker')) {
    missing.push('docker-cli');
  }
  // dockerd exits without it, and docker.io only recommends it.
  if (!findProgram('iptables')) {
    missing.push('iptables');
  }
  const what =
    missing.length > 0
      ? `Install ${missing.join(' and ')} with apt-get and start it?`
      : 'Start it?';
  if (!(await confirm(`Docker is needed: ${reason}. ${what}`))) {
    throw new SetupError(`Cannot use Docker: ${reason}; ${remedy(reason)}`);
  }
  if (missing.length > 0) {
    await aptInstall(missing);
  }
  // Newer releases of Debian have the command in a package of its own.
  if (!findProgram('docker')) {
    await aptInstall(['docker-cli']);
  }
  await step('starting the Docker engine', start);
}

async function start() {
  let died = () => false;
  if (existsSync('/run/systemd/system')) {
    await mustRun('systemctl', ['start', 'docker'], { timeoutMs: 120_000 });
  } else if (!(await findEngine()).ok) {
    died = startInBackground();
  }
  const deadline = Date.now() + 60_000;
  for (;;) {
    // Before the engine is asked: an answer counts even when the process that we started has handed over and ended.
    const ended = died();
    if ((await findEngine()).ok) {
      return;
    }
    if (ended || Date.now() > deadline) {
      const state = ended ? 'dockerd ended' : 'no answer after 60 s';
      throw new SetupError(
        `Cannot start the Docker engine: ${state}; its log is ${log}${logTail()}`,
      );
    }
    await delay(250);
  }
}

/** Starts dockerd so that it outlives this process; returns a function that tells whether it has ended already. */
function startInBackground() {
  mkdirSync(cache, { recursive: true });
  const output = openSync(log, 'a');
  const child = spawn(findProgram('dockerd') ?? '/usr/sbin/dockerd', [], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output, output],
  });
  let ended = false;
  child.on('error', () => {
    ended = true;
  });
  child.on('exit', () => {
    ended = true;
  });
  child.unref();
  say(
    `there is no systemd here: dockerd runs in the background and stays (process ${child.pid}, log ${log})`,
  );
  return () => ended;
}

function logTail() {
  return existsSync(log) ? `\n${lastLines(readFileSync(log, 'utf8'), 5)}` : '';
}
