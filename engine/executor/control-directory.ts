// Files for one worker that user code can read but never change: long commands, and what they get as standard input.

import { execFile } from 'node:child_process';
import { closeSync, fchmodSync, openSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { bind } from './container-options.ts';
import { CONTROL_MOUNT } from './control-mount.ts';
import { ANSWER_PIPE, ASK_PIPE, CLIENT_FOLDER, CLIENT_TEXT } from './datum-client.ts';

const execute = promisify(execFile);

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

  /** Puts the client there by which commands ask for datums, and the pipes that it asks through. */
  async makeClient(): Promise<void> {
    const [folder = '', asks = '', answers = ''] = [CLIENT_FOLDER, ASK_PIPE, ANSWER_PIPE].map(
      (path) => join(this.#path, path.slice(CONTROL_MOUNT.length)),
    );
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await chmod(folder, 0o755);
    await writeFile(join(folder, 'pfs'), CLIENT_TEXT);
    await chmod(join(folder, 'pfs'), 0o755);
    await execute('mkfifo', ['-m', '0666', asks, answers]);
  }

  async discard(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => rm(join(this.#path, name), { force: true })));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}
