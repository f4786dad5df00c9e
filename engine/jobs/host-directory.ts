// Directories on this machine in which user code may have left anything. Nothing here follows a link.

import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';

const SLASH = Buffer.from('/');
/** Longer paths are first moved up, since no call takes more than 4096 bytes. */
const LONG_PATH_BYTES = 2048;
const YIELD_EVERY = 500;

/** Returns whether an error says that this user may not do what it tried. */
export function isAccessDenied(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'EACCES' || code === 'EPERM';
}

/**
 * Removes everything in a directory, whatever its names, kinds and depth. Where this user may not, and can't grant
 * it to itself, it rejects with the system's EACCES or EPERM, and what is left can be removed later.
 */
export async function emptyDirectory(directory: string): Promise<void> {
  const emptier = new Emptier(Buffer.from(directory));
  await emptier.run();
}

class Emptier {
  readonly #root: Buffer;
  #removed = 0;
  #moved = 0;

  constructor(root: Buffer) {
    this.#root = root;
  }

  async run(): Promise<void> {
    do {
      this.#moved = 0;
      await this.#empty(this.#root);
    } while (this.#moved > 0);
  }

  async #empty(directory: Buffer): Promise<void> {
    for (const entry of readEntries(directory)) {
      const path = Buffer.concat([directory, SLASH, entry.name]);
      if (!entry.isDirectory()) {
        granting(directory, () => unlinkSync(path));
      } else if (path.length > LONG_PATH_BYTES) {
        this.#moveUp(directory, path);
      } else if (!tryRemove(path)) {
        await this.#empty(path);
        // Directories below it may have been moved up, so it is empty now.
        granting(directory, () => rmdirSync(path));
      }
      this.#removed += 1;
      if (this.#removed % YIELD_EVERY === 0) {
        await setImmediate();
      }
    }
  }

  #moveUp(directory: Buffer, path: Buffer): void {
    for (let number = 0; ; number++) {
      const target = Buffer.concat([this.#root, Buffer.from(`/.removing-${number}`)]);
      if (lstatSync(target, { throwIfNoEntry: false }) === undefined) {
        granting(directory, () => renameSync(path, target));
        this.#moved += 1;
        return;
      }
    }
  }
}

function readEntries(directory: Buffer) {
  return granting(directory, () =>
    readdirSync(directory, { encoding: 'buffer', withFileTypes: true }),
  );
}

/** Removes a directory if it is empty already, which most are not worth a look for. */
function tryRemove(path: Buffer): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) {
      return false;
    }
    throw error;
  }
}

/** Runs `action` on something in a directory, once more with the right to, where the directory's owner may grant it. */
function granting<T>(directory: Buffer, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!isAccessDenied(error) || !lstatSync(directory).isDirectory()) {
      throw error;
    }
    chmodSync(directory, 0o700);
    return action();
  }
}
