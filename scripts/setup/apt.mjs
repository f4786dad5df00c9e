// Packages of Debian and Ubuntu, installed only as root and only where they are missing.

import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { withLock } from './lock.mjs';
import { mustRun } from './run.mjs';
import { step } from './say.mjs';

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
  return process.getuid?.() === 0 && debian() !== undefined && existsSync('/usr/bin/apt-get');
}

/** Installs packages with apt-get; call only where {@link canInstall}. */
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

/** Asks a yes-or-no question on a terminal; without one the answer is yes. */
export async function confirm(question) {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    return true;
  }
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return !/^\s*n/i.test(await reader.question(`${question} [Y/n] `));
  } finally {
    reader.close();
  }
}
