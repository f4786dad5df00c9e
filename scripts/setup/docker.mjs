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

/** Makes sure that an engine is reachable; with `install: false` it only looks. Rejects with how to get one. */
export async function ensureDocker(options = {}) {
  const found = await findEngine();
  if (found.ok) {
    return;
  }
  if (options.install === false || isRemote() || !canInstall()) {
    throw new SetupError(`Cannot use Docker: ${found.reason}; ${remedy(found.reason)}`);
  }
  await withLock('docker', () => provide(found.reason), { machine: true });
}

/** The user points at an engine of their own choice: installing another one would not help. */
function isRemote() {
  const host = process.env.DOCKER_HOST ?? '';
  return host !== '' && host !== 'unix:///var/run/docker.sock';
}

function remedy(reason) {
  if (isRemote()) {
    return `DOCKER_HOST is "${process.env.DOCKER_HOST}": start that engine, or unset it`;
  }
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
  }
  // dockerd exits without it, and docker.io only recommends it.
  if (!findProgram('iptables')) {
    missing.push('iptables');
  }
  if (missing.length > 0) {
    if (
      !(await confirm(
        `Docker is needed: ${reason}. Install ${missing.join(' and ')} with apt-get?`,
      ))
    ) {
      throw new SetupError(`Cannot use Docker: ${reason}; ${remedy(reason)}`);
    }
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
  while (!(await findEngine()).ok) {
    if (died() || Date.now() > deadline) {
      const state = died() ? 'dockerd ended' : 'no answer after 60 s';
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
