// One at a time, across processes: a set-up that waits for another instead of breaking it.

import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { cache } from './paths.mjs';
import { say } from './say.mjs';

const staleAfterMs = 45 * 60_000;

/**
 * Runs `action` while holding the named lock. With `machine: true` the lock is shared by all checkouts of this user
 * (Docker, system packages), otherwise by this checkout alone. A lock whose owner died is taken over.
 */
export async function withLock(name, action, options = {}) {
  const folder = options.machine ? `${tmpdir()}/pfs-setup-${userInfo().uid}` : `${cache}/locks`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = `${folder}/${name}.lock`;
  await acquire(path, name);
  // Leaving by Ctrl-C ends the process without unwinding; the lock must go all the same.
  const release = () => {
    // Whoever held it for too long may have lost it to another.
    if (ownerOf(path) === process.pid) {
      removeQuietly(path);
    }
  };
  process.once('exit', release);
  try {
    return await action();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire(path, name) {
  const mine = `${path}.${process.pid}`;
  let told = false;
  for (;;) {
    writeFileSync(mine, String(process.pid));
    try {
      // link(2) makes the lock appear with its owner's number in it, in one step.
      linkSync(mine, path);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw error;
      }
    } finally {
      removeQuietly(mine);
    }
    const owner = ownerOf(path);
    if (owner === 'stale') {
      takeAway(path);
      continue;
    }
    if (!told && owner !== 'gone') {
      told = true;
      say(`waiting for process ${owner}, which is setting up "${name}"`);
    }
    await delay(200);
  }
}

function ownerOf(path) {
  let pid;
  try {
    pid = Number(readFileSync(path, 'utf8'));
    if (Date.now() - statSync(path).mtimeMs > staleAfterMs) {
      return 'stale';
    }
  } catch (error) {
    if (error.code === 'ENOENT') {
      return 'gone';
    }
    throw error;
  }
  // A crash of the machine can leave the file empty, and 0 means ourselves.
  if (!Number.isInteger(pid) || pid <= 0) {
    return 'stale';
  }
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? pid : 'stale';
  }
}

/** Removes a dead owner's lock. By rename, and with a second look: another waiter may have taken over just before. */
function takeAway(path) {
  const aside = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, aside);
    if (ownerOf(aside) !== 'stale') {
      linkSync(aside, path);
    }
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') {
      throw error;
    }
  } finally {
    removeQuietly(aside);
  }
}

function removeQuietly(path) {
  try {
    unlinkSync(path);
  } catch {
    // Gone already.
  }
}
