// The files of secrets while a worker sees them, below directories that nobody but this user and Docker may enter; gone with
// the worker.

import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { EngineError, errorText, systemCode } from '../base/errors.ts';
import { bind } from './container-options.ts';
import type { SecretDirectory } from './executor.ts';
import { directoryEntries, type TarEntry } from './tar-writer.ts';

/** A directory on the host, and where the container is to see it. */
interface Placed {
  readonly source: string;
  readonly target: string;
}

/** The files of one worker. */
export class SecretFiles {
  readonly #directory: string | undefined;
  readonly #placed: Placed[] = [];

  private constructor(directory?: string) {
    this.#directory = directory;
  }

  /** Writes the files below `root`, under the worker's name. */
  static place(
    root: string,
    worker: { readonly name: string; readonly secrets: readonly SecretDirectory[] },
  ): SecretFiles {
    if (worker.secrets.length === 0) {
      return new SecretFiles();
    }
    const directory = join(root, worker.name);
    const files = new SecretFiles(directory);
    try {
      mkdirSync(directory, { mode: 0o700 });
      for (const [index, { path, files: contents }] of worker.secrets.entries()) {
        const source = join(directory, String(index));
        mkdirSync(source);
        for (const [name, content] of contents) {
          const file = join(source, name);
          writeFileSync(file, content, { mode: 0o444, flag: 'wx' });
          chmodSync(file, 0o444);
        }
        chmodSync(source, 0o755);
        files.#placed.push({ source, target: path });
      }
    } catch (error) {
      files.remove();
      throw cannotShow(worker.name, root, error);
    }
    return files;
  }

  get isEmpty(): boolean {
    return this.#placed.length === 0;
  }

  /** The mounts that show them in a container. */
  get mounts(): readonly Docker.MountSettings[] {
    return this.#placed.map(({ source, target }) => bind(source, target, true));
  }

  /** The files as a tar holds them, for a container that can't see this host's directories. */
  async *entries(): AsyncGenerator<TarEntry> {
    for (const { source, target } of this.#placed) {
      const name = target.replace(/^\/+/, '');
      yield { name: `${name}/`, type: 'directory', mode: 0o755 };
      yield* directoryEntries(source, name);
    }
  }

  /** Removes them. Safe to call twice. */
  remove(): void {
    if (this.#directory !== undefined) {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}

function cannotShow(worker: string, root: string, cause: unknown): EngineError {
  return new EngineError(
    'unavailable',
    `Cannot show secrets to worker "${worker}": ${systemCode(cause) ?? errorText(cause)} in "${root}"; free some memory or space there`,
    { cause },
  );
}
