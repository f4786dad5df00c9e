// Where the files of secrets stand while workers see them: in memory, where this host has such a file system that Docker can
// bind from, else below the engine's own home.

import { chmodSync, lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';
import { dockerStatus } from './docker-errors.ts';
import { removeOldDirectories } from './left-behind.ts';

/** How the kernel numbers tmpfs. */
const TMPFS_MAGIC = 0x01021994;
const SHARED_MEMORY = '/dev/shm';

export interface SecretPlaceOptions {
  readonly instanceId: string;
  readonly engineId: string;
  /** On a disk, and for this user alone. */
  readonly fallback: string;
}

/** The directories of one run of an engine. */
export class SecretPlace {
  readonly #options: SecretPlaceOptions;
  #chosen: Promise<string> | undefined;

  constructor(options: SecretPlaceOptions) {
    this.#options = options;
  }

  /**
   * Returns the directory to write to; `bind` makes a container that binds the directory it is given, and rejects where the
   * Docker engine does not find it: another machine, or another container.
   */
  async choose(bind: (directory: string) => Promise<void>): Promise<string> {
    this.#chosen ??= this.#choose(bind);
    try {
      return await this.#chosen;
    } catch (error) {
      this.#chosen = undefined;
      throw error;
    }
  }

  /** Removes what earlier runs of this instance left. */
  async sweep(): Promise<void> {
    for (const root of this.#roots) {
      await removeOldDirectories(root, this.#options.engineId);
    }
  }

  /** Removes everything of this run. */
  async remove(): Promise<void> {
    for (const root of this.#roots) {
      await rm(join(root, this.#options.engineId), { recursive: true, force: true });
      // What another run has put there stays.
      await rmdir(root).catch(() => undefined);
    }
  }

  get #roots(): readonly string[] {
    return [join(SHARED_MEMORY, `pfs-${this.#options.instanceId}`), this.#options.fallback];
  }

  async #choose(bind: (directory: string) => Promise<void>): Promise<string> {
    const [memory = '', disk = ''] = this.#roots.map((root) => join(root, this.#options.engineId));
    if (hasMemory()) {
      makeOwn(memory);
      try {
        await bind(memory);
        return memory;
      } catch (error) {
        const isUnseen = dockerStatus(error) === 400 || dockerStatus(error) === 500;
        if (!isUnseen) {
          throw error;
        }
      }
    }
    makeOwn(disk);
    return disk;
  }
}

function hasMemory(): boolean {
  try {
    return statfsSync(SHARED_MEMORY).type === TMPFS_MAGIC;
  } catch {
    // There is none, as on macOS.
    return false;
  }
}

/** Makes a directory for this user alone; one of another user's in its place is refused. */
function makeOwn(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const one of [join(directory, '..'), directory]) {
    const stat = lstatSync(one);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.()) {
      throw new EngineError(
        'failed_precondition',
        `Cannot show secrets to workers: "${one}" belongs to somebody else; remove it`,
      );
    }
    chmodSync(one, 0o700);
  }
}
