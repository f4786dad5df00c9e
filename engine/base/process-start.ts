// What tells a process of this machine from a later one of the same id.

import { readFileSync } from 'node:fs';
import { systemCode } from './errors.ts';

/** Returns when a process began, as text that a later process of the same id does not share; '' for no process. */
export function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A killed process that nobody has waited for yet still has its id, and runs nothing.
    return state === 'Z' || state === 'X' ? '' : (fields[18] ?? '?');
  } catch {
    // No such file: the process is gone, or the system has no /proc.
  }
  try {
    process.kill(pid, 0);
    return '?';
  } catch (error) {
    return systemCode(error) === 'EPERM' ? '?' : '';
  }
}
