// Files for one worker that user code can read but never change: long commands, and what they get as standard input.

import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { bind } from './container-options.ts';

/** Where the container sees the directory; under `/dev`, so that no listing of files shows it. */
const CONTROL_MOUNT = '/dev/pfs';

/** A directory of the host that one container sees read-only. */
export class ControlDirectory {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
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

  async discard(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => rm(join(this.#path, name), { force: true })));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}
