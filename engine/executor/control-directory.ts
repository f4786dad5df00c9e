// Files for one worker that user code can read but never change: long commands, and what they get as standard input.

import { closeSync, fchmodSync, openSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { bind } from './container-options.ts';
import { CONTROL_MOUNT } from './worker-loop.ts';

/** A directory of the host that one container sees read-only. */
export class ControlDirectory {
  readonly #path: string;
  /** What replaced files hold. */
  readonly #kept = new Map<string, string>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Where it is on this machine. */
  get path(): string {
    return this.#path;
  }

  /** The mount that shows the directory in a container. */
  get mount(): Docker.MountSettings {
    return bind(this.#path, CONTROL_MOUNT, true);
  }

  async make(): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    await chmod(this.#path, 0o755);
  }

  /** Writes a file and returns its path in the container. */
  async place(name: string, content: string): Promise<string> {
    const file = join(this.#path, name);
    await writeFile(file, content);
    await chmod(file, 0o644);
    return `${CONTROL_MOUNT}/${name}`;
  }

  /** Gives a file this content, and returns its path in the container. Only for where that is seen at once. */
  replace(name: string, content: string): string {
    if (this.#kept.get(name) !== content) {
      const file = openSync(join(this.#path, name), 'w', 0o644);
      try {
        writeFileSync(file, content);
        if (!this.#kept.has(name)) {
          // The mode given to open would lose what the umask takes.
          fchmodSync(file, 0o644);
        }
      } finally {
        closeSync(file);
      }
      this.#kept.set(name, content);
    }
    return `${CONTROL_MOUNT}/${name}`;
  }

  async discard(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => rm(join(this.#path, name), { force: true })));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}
