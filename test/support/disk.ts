// A small disk of a test's own.

import { execFileSync } from 'node:child_process';

/** Mounts a disk of that size, or says why that can't be done here. Unmount it at the end. */
export function mountDisk(directory: string, size: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'pfs-test', directory], {
      stdio: 'pipe',
    });
    return undefined;
  } catch (error) {
    return `a disk of its own cannot be mounted here: ${String((error as Error).message).split('\n')[0]}`;
  }
}

/** Mounts it again with other options, such as `ro`. */
export function remountDisk(directory: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, directory], { stdio: 'pipe' });
}

export function unmountDisk(directory: string): void {
  execFileSync('umount', ['--lazy', directory]);
}
