// Directories on this machine in which user code may have left anything. Nothing here follows a link.

import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';
import { HeldDirectory, holdBelow } from '../executor/held-directory.ts';

/** What lies deeper is first moved up: each level holds a directory open, and no call takes a path of more than 4096 bytes. */
const MAX_DEPTH = 64;
const LONG_PATH_BYTES = 2048;
const YIELD_EVERY = 500;
/** As the system counts what files take. */
const BLOCK_BYTES = 512;
const UNSEEN = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENAMETOOLONG'];

/** Returns whether an error says that this user may not do what it tried. */
export function isAccessDenied(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'EACCES' || code === 'EPERM';
}

/**
 * Removes everything in a directory, whatever its names, kinds and depth. Where this user may not, and can't grant
 * it to itself, it rejects with the system's EACCES or EPERM, and what is left can be removed later.
 * Whoever still writes there may make it reject, and never makes it remove anything elsewhere.
 */
export async function emptyDirectory(directory: string): Promise<void> {
  const emptier = new Emptier(Buffer.from(directory));
  await emptier.run();
}

/**
 * Returns how much of the disk the files below directories take; stops looking once that is more than `most`. What goes away
 * meanwhile, and what this user may not look into, counts nothing. Others work in between, however many files there are.
 */
export async function usedBytes(directories: readonly string[], most: number): Promise<number> {
  let used = 0;
  for (const root of directories) {
    const waiting: string[][] = [[]];
    for (let path = waiting.pop(); path !== undefined && used <= most; path = waiting.pop()) {
      used += await usedIn(root, { path, found: waiting, most: most - used });
    }
  }
  return used;
}

/** Counts what stands in one directory, up to more than `most`, and notes the directories in it. */
async function usedIn(
  root: string,
  options: {
    readonly path: readonly string[];
    readonly found: string[][];
    readonly most: number;
  },
): Promise<number> {
  const { path, found, most } = options;
  let held: HeldDirectory | undefined;
  let used = 0;
  try {
    held = holdBelow(root, path);
    for await (const entry of held.entries()) {
      if (entry.isDirectory()) {
        found.push([...path, entry.name]);
        continue;
      }
      const stat = lstatSync(held.entry(entry.name), { throwIfNoEntry: false });
      used += (stat?.blocks ?? 0) * BLOCK_BYTES;
      if (used > most) {
        break;
      }
    }
  } catch (error) {
    if (!UNSEEN.includes(systemCode(error) ?? '')) {
      throw error;
    }
  } finally {
    held?.close();
  }
  return used;
}

class Emptier {
  readonly #root: Buffer;
  #removed = 0;
  #moved = 0;

  constructor(root: Buffer) {
    this.#root = root;
  }

  async run(): Promise<void> {
    const root = new HeldDirectory(this.#root);
    try {
      do {
        this.#moved = 0;
        await this.#empty(root, { root, depth: 0 });
      } while (this.#moved > 0);
    } finally {
      root.close();
    }
  }

  async #empty(
    directory: HeldDirectory,
    { root, depth }: { readonly root: HeldDirectory; readonly depth: number },
  ): Promise<void> {
    for (const entry of readEntries(directory)) {
      const path = directory.entry(entry.name);
      if (!entry.isDirectory()) {
        granting(directory, () => unlinkSync(path));
      } else if (depth > MAX_DEPTH || path.length > LONG_PATH_BYTES) {
        this.#moveUp(directory, { path, root });
      } else if (!tryRemove(path)) {
        await this.#emptyBelow(path, { root, depth: depth + 1 });
        // Directories below it may have been moved up, so it is empty now.
        granting(directory, () => rmdirSync(path));
      }
      this.#removed += 1;
      if (this.#removed % YIELD_EVERY === 0) {
        await setImmediate();
      }
    }
  }

  async #emptyBelow(
    path: Buffer,
    place: { readonly root: HeldDirectory; readonly depth: number },
  ): Promise<void> {
    const directory = new HeldDirectory(path);
    try {
      await this.#empty(directory, place);
    } finally {
      directory.close();
    }
  }

  #moveUp(
    directory: HeldDirectory,
    { path, root }: { readonly path: Buffer; readonly root: HeldDirectory },
  ): void {
    for (let number = 0; ; number++) {
      const target = root.entry(`.removing-${number}`);
      if (lstatSync(target, { throwIfNoEntry: false }) === undefined) {
        granting(directory, () => renameSync(path, target));
        this.#moved += 1;
        return;
      }
    }
  }
}

function readEntries(directory: HeldDirectory) {
  return granting(directory, () =>
    readdirSync(directory.path, { encoding: 'buffer', withFileTypes: true }),
  );
}

/** Removes a directory if it is empty already, which most are not worth a look for, or what somebody put in its place. */
function tryRemove(path: Buffer): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') {
      unlinkSync(path);
      return true;
    }
    if (['ENOTEMPTY', 'EEXIST', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) {
      return false;
    }
    throw error;
  }
}

/** Runs `action` on something in a directory, once more with the right to, where the directory's owner may grant it. */
function granting<T>(directory: HeldDirectory, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!isAccessDenied(error)) {
      throw error;
    }
    chmodSync(directory.path, 0o700);
    return action();
  }
}
