// Programs of others that some tests drive.

import { spawnSync } from 'node:child_process';
import { lacking } from './leave-out.ts';

/**
 * Returns why a test can't be run that needs these, for its `skip`; false where it can. Each is a program, or a whole line of
 * shell that must succeed. Throws instead where nothing may be left out.
 */
export function skipWithoutPrograms(...wanted: readonly string[]): string | false {
  const missing = wanted.filter((line) => {
    const command = line.includes(' ') ? line : `command -v ${line}`;
    return spawnSync('sh', ['-c', command], { stdio: 'ignore' }).status !== 0;
  });
  if (missing.length === 0) {
    return false;
  }
  return lacking(`${missing.join(' and ')} is not on this machine`);
}
