// The packages of package-lock.json in node_modules. Quiet when they are there already.

import { existsSync, statSync } from 'node:fs';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { mustRun } from './run.mjs';
import { SetupError, step } from './say.mjs';

/** npm writes this file last, at the end of every install: its time is the time of the install. */
const installed = `${root}/node_modules/.package-lock.json`;

function isFresh() {
  return (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(`${root}/package-lock.json`).mtimeMs - 1000
  );
}

/** Refuses a Node that is too old, in words; everything else would fail later and stranger. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(
      `Cannot run on Node ${process.versions.node}: 20.19 or newer is needed; get one from your system's packages or your Node version manager`,
    );
  }
}

/** Installs the packages when node_modules is missing or older than the lock file. */
export async function ensureDependencies() {
  if (isFresh()) {
    return;
  }
  await withLock('dependencies', async () => {
    if (!isFresh()) {
      await step('installing npm packages', () =>
        mustRun('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
          timeoutMs: 15 * 60_000,
        }),
      );
    }
  });
}
