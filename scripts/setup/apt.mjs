// Packages of Debian and Ubuntu, installed only as root, only where they are missing, and on a terminal only after asking.

import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { withLock } from './lock.mjs';
import { findProgram, mustRun } from './run.mjs';
import { SetupError, say, step } from './say.mjs';

/** Returns `{ id, codename }` of this system where it is Debian or Ubuntu, else undefined. */
export function debian() {
  if (!existsSync('/etc/os-release')) {
    return undefined;
  }
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (name) => text.match(new RegExp(`^${name}="?([^"\n]*)"?$`, 'm'))?.[1];
  const id = field('ID');
  const codename = field('VERSION_CODENAME');
  return id === 'debian' || id === 'ubuntu' ? { id, codename } : undefined;
}

/** Whether packages can be installed here without asking anybody for a password. */
export function canInstall() {
  return process.getuid?.() === 0 && debian() !== undefined && findProgram('apt-get') !== undefined;
}

/**
 * Installs packages where that is possible and nobody says no, `why` being what they are asked for. Never rejects for
 * what apt-get says: what stays missing is for the caller to see.
 */
export async function tryInstall(packages, why) {
  if (
    !canInstall() ||
    !(await confirm(`${why}. Install ${packages.join(' and ')} with apt-get?`))
  ) {
    return;
  }
  try {
    await aptInstall(packages);
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    say(error.message);
  }
}

/** Installs packages with apt-get; call only where {@link canInstall}, and after asking. */
export async function aptInstall(packages) {
  await withLock(
    'apt',
    () =>
      step(`installing ${packages.join(', ')} with apt-get`, async () => {
        const env = { DEBIAN_FRONTEND: 'noninteractive' };
        // Another apt-get on this machine holds dpkg's lock: wait for it, within reason.
        const wait = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
        await mustRun('apt-get', [...wait, '-q', 'update'], { env, timeoutMs: 5 * 60_000 });
        await mustRun(
          'apt-get',
          [...wait, '-q', 'install', '-y', '--no-install-recommends', ...packages],
          { env, timeoutMs: 15 * 60_000 },
        );
      }),
    { machine: true },
  );
}

/** Asks a yes-or-no question on a terminal, where Enter is a yes and Ctrl-D a no; without one the answer is yes. */
export async function confirm(question) {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    return true;
  }
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  // By an exit of our own, so that locks are released.
  reader.on('SIGINT', () => process.exit(130));
  const answer = await new Promise((resolve) => {
    reader.on('close', () => resolve('no'));
    reader.question(`${question} [Y/n] `, resolve);
  });
  reader.close();
  return /^\s*(y|yes)?\s*$/i.test(answer);
}
