// Egress to a directory of this machine: only below directories that the engine's owner allows. No link in it is followed, and
// only what was put there before is ever removed.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, realpath, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { EngineError, errorText, isEngineError, systemCode } from '../base/errors.ts';
import type { EgressTarget, Outgoing, OutgoingFile } from './outgoing.ts';

const SYNC_BATCH = 64;

export interface DirectoryTargetOptions {
  /** Absolute. */
  readonly directory: string;
  /** Absolute directories below which outputs may go. */
  readonly allowed: readonly string[];
  /** Absolute directories of the engine's own, into which nothing may go. */
  readonly forbidden: readonly string[];
  /** Names whoever sends: what it has in the making is told from that of others. */
  readonly sender: string;
}

/** A directory on this machine. */
export class DirectoryTarget implements EgressTarget {
  readonly name: string;
  readonly #options: DirectoryTargetOptions;

  constructor(options: DirectoryTargetOptions) {
    this.name = `file://${options.directory}`;
    this.#options = options;
  }

  async send(outgoing: Outgoing, signal: AbortSignal): Promise<void> {
    try {
      await this.#send(outgoing, signal);
    } catch (error) {
      throw isEngineError(error) ? error : this.#failure(error);
    }
  }

  async #send(outgoing: Outgoing, signal: AbortSignal): Promise<void> {
    const directories = new Set<string>();
    const root = await this.#root(directories);
    const staging = join(root, `.pfs-egress-${shortHash(this.#options.sender)}`);
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    try {
      for await (const path of outgoing.gone()) {
        signal.throwIfAborted();
        await this.#remove(root, path);
      }
      let count = 0;
      for await (const file of outgoing.files()) {
        signal.throwIfAborted();
        if (await this.#isThere(root, file)) {
          continue;
        }
        await this.#put(root, { file, staging, outgoing, directories });
        directories.add(dirname(join(root, file.path)));
        count += 1;
        if (count % SYNC_BATCH === 0) {
          await syncDirectories(directories);
        }
      }
      await syncDirectories(directories.add(root));
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /** Makes the directory, and returns where it really is, once that is known to be allowed. Adds those to `changed` in which it makes one. */
  async #root(changed: Set<string>): Promise<string> {
    const { directory, allowed, forbidden } = this.#options;
    for (const one of allowed) {
      const below = relative(one, directory);
      if (below === '..' || below.startsWith(`..${sep}`)) {
        continue;
      }
      let at = await realpath(one);
      for (const name of below === '' ? [] : below.split(sep)) {
        changed.add(at);
        at = join(at, name);
        await mkdir(at).catch(ignore('EEXIST'));
        if (!(await lstat(at)).isDirectory()) {
          throw this.#refusal(`"${at}" is no directory`);
        }
      }
      for (const own of forbidden) {
        const real = await realpath(own).catch(() => own);
        if (isWithin(real, at) || isWithin(at, real)) {
          throw this.#refusal(`"${own}" is the engine's own; choose another directory`);
        }
      }
      return at;
    }
    throw this.#refusal(
      allowed.length === 0
        ? 'the engine allows no directory; its owner can, with PFS_EGRESS_DIRECTORIES=/some/directory'
        : `it is not below a directory that the engine allows (${allowed.join(', ')}); choose one, or add it to PFS_EGRESS_DIRECTORIES`,
    );
  }

  async #isThere(root: string, file: OutgoingFile): Promise<boolean> {
    if (!file.isKnown) {
      return false;
    }
    const stat = await lstat(join(root, file.path)).catch(ignore('ENOENT', 'ENOTDIR'));
    const isExecutable = ((stat?.mode ?? 0) & 0o100) !== 0;
    return stat?.isFile() === true && stat.size === file.size && isExecutable === file.executable;
  }

  /** Writes a file beside its place and moves it there: what is there is whole at any moment. */
  async #put(
    root: string,
    what: {
      readonly file: OutgoingFile;
      readonly staging: string;
      readonly outgoing: Outgoing;
      readonly directories: Set<string>;
    },
  ): Promise<void> {
    const { file, staging, outgoing } = what;
    await this.#makeDirectories(root, { path: dirname(file.path), changed: what.directories });
    const temporary = join(staging, 'file');
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const handle = await open(temporary, flags, 0o644);
    try {
      for await (const bytes of outgoing.read(file)) {
        // A write may take less than it is given; this goes on where it ended.
        await handle.writeFile(bytes);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await chmod(temporary, file.executable ? 0o755 : 0o644);
    await rename(temporary, join(root, file.path)).catch((error: unknown) => {
      throw systemCode(error) === 'EISDIR' || systemCode(error) === 'ENOTEMPTY'
        ? this.#refusal(
            `there is a directory at "${file.path}" that pfs did not make; move it away`,
          )
        : error;
    });
  }

  async #makeDirectories(
    root: string,
    { path, changed }: { readonly path: string; readonly changed: Set<string> },
  ): Promise<void> {
    let at = root;
    for (const name of path === '.' ? [] : path.split('/')) {
      changed.add(at);
      at = join(at, name);
      await mkdir(at).catch(ignore('EEXIST'));
      if (!(await lstat(at)).isDirectory()) {
        throw this.#refusal(
          `"${relative(root, at)}" is no directory, and pfs did not put it there; move it away`,
        );
      }
    }
  }

  /** Removes a file, and the directories that are empty then. What is no file any more is somebody else's. */
  async #remove(root: string, path: string): Promise<void> {
    const stat = await lstat(join(root, path)).catch(ignore('ENOENT', 'ENOTDIR'));
    if (!stat?.isFile() || !(await this.#isBelow(root, dirname(path)))) {
      return;
    }
    await unlink(join(root, path));
    for (let above = dirname(path); above !== '.'; above = dirname(above)) {
      try {
        await rmdir(join(root, above));
      } catch {
        return;
      }
    }
  }

  /** Whether a path leads through directories only, and no link. */
  async #isBelow(root: string, path: string): Promise<boolean> {
    return path === '.' || (await realpath(join(root, path))) === join(root, path);
  }

  #refusal(why: string): EngineError {
    return new EngineError('failed_precondition', `Cannot write to "${this.name}": ${why}`);
  }

  #failure(cause: unknown): EngineError {
    const code = systemCode(cause);
    if ((cause as Error | null)?.name === 'AbortError') {
      return new EngineError('cancelled', 'Cannot go on with the egress: it was stopped', {
        cause,
      });
    }
    const mayHeal = code === 'ENOSPC' || code === 'EIO' || code === 'EBUSY' || code === 'ESTALE';
    return new EngineError(
      mayHeal ? 'unavailable' : 'failed_precondition',
      `Cannot write to "${this.name}": ${code ?? errorText(cause)}; check the directory and who may write there`,
      { cause },
    );
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}${sep}`);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Returns a handler that turns errors of these codes into undefined. */
function ignore(...codes: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(systemCode(error) ?? '')) {
      throw error;
    }
    return undefined;
  };
}

async function syncDirectories(directories: Set<string>): Promise<void> {
  for (const directory of directories) {
    // Above the place there may be one that may be written to and not read, which no call could sync.
    const handle = await open(directory, 'r').catch(ignore('EACCES'));
    try {
      await handle?.sync();
    } finally {
      await handle?.close();
    }
  }
  directories.clear();
}
