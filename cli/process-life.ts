// Whether other processes live, and waiting for their end.

import { readFileSync } from 'node:fs';

/** How long an engine may take to bring its work to a safe end. */
const STOP_MS = 30_000;
const LOOK_MS = 50;

/** Returns whether a process runs; one that has ended and was not yet collected by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EPERM') {
      return false;
    }
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The state follows the name, which is in brackets and may hold any character.
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')));
  } catch {
    // No /proc on this system: the signal has told all there is.
    return true;
  }
}

/** Waits until the process ends; ends it by force after a while. Returns whether force was needed. */
export async function waitForEnd(pid: number, limit = STOP_MS): Promise<boolean> {
  const until = Date.now() + limit;
  while (isAlive(pid)) {
    if (Date.now() > until) {
      process.kill(pid, 'SIGKILL');
      return true;
    }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  return false;
}
