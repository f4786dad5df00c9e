// Writes one stream to one file of the user's: whole or not at all.

import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failure, fileError } from './cli-error.ts';
import { type Told, writeBehind } from './write-behind.ts';

/**
 * Writes `source` to `file`, replacing what stands there once everything has arrived.
 * @param options.executable whether the file gets the executable bits.
 * @param options.onProgress called with the bytes so far.
 */
export async function writeFile(
  file: string,
  options: Told & { readonly source: AsyncIterable<Uint8Array>; readonly executable: boolean },
): Promise<number> {
  // A device or a pipe is written to, never replaced.
  const direct = await isSpecial(file);
  const staging = direct ? file : join(dirname(file), `.${basename(file)}.pfs-get-${process.pid}`);
  let handle: FileHandle;
  try {
    handle = await open(staging, 'w', options.executable ? 0o777 : 0o666);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') {
      const folder = dirname(file);
      throw failure(
        'not_found',
        `Cannot write "${file}": there is no folder "${folder}"; make it first`,
        error,
      );
    }
    throw fileError(`write "${file}"`, error);
  }
  let bytes = 0;
  try {
    const onProgress = (arrived: number) => {
      bytes = arrived;
      options.onProgress?.(arrived);
    };
    await writeBehind(handle, options.source, { ...options, onProgress }).catch(
      (error: unknown) => {
        throw isWriteError(error) ? fileError(`write "${file}"`, error) : error;
      },
    );
    await handle.close();
    if (!direct) {
      await rename(staging, file).catch((error: unknown) => {
        throw fileError(`write "${file}"`, error);
      });
    }
    return bytes;
  } catch (error) {
    await handle.close().catch(() => undefined);
    if (!direct) {
      await rm(staging, { force: true });
    }
    throw error;
  }
}

/**
 * As {@link writeFile}, but what arrived before an error stays beside `file`, under a name that holds the object's id, and
 * the next call goes on from there.
 * @param options.id the Git object that is written.
 * @param options.read yields its bytes from an offset on.
 */
export async function resumeFile(
  file: string,
  options: Told & {
    readonly id: string;
    readonly size: number;
    readonly executable: boolean;
    readonly read: (from: number) => AsyncIterable<Uint8Array>;
  },
): Promise<number> {
  const { id, size, read, onProgress } = options;
  const folder = dirname(file);
  const prefix = `.${basename(file)}.`;
  const part = join(folder, `${prefix}${id}${PART}`);
  let handle: FileHandle;
  let bytes: number;
  try {
    handle = await open(part, 'a', options.executable ? 0o777 : 0o666);
    bytes = (await handle.stat()).size;
  } catch (error) {
    throw fileError(`write "${file}"`, error);
  }
  try {
    onProgress?.(bytes);
    const start = bytes;
    if (start < size) {
      const onArrived = (arrived: number) => {
        bytes = start + arrived;
        onProgress?.(bytes);
      };
      await writeBehind(handle, read(start), { ...options, onProgress: onArrived }).catch(
        (error: unknown) => {
          throw isWriteError(error) ? fileError(`write "${file}"`, error) : error;
        },
      );
    }
  } finally {
    await handle.close();
  }
  try {
    await rename(part, file);
    // What arrived of other versions is of no use any more.
    for (const name of await readdir(folder)) {
      if (name.startsWith(prefix) && name.endsWith(PART)) {
        await rm(join(folder, name), { force: true });
      }
    }
  } catch (error) {
    throw fileError(`write "${file}"`, error);
  }
  return bytes;
}

const PART = '.pfs-part';

/** Tells what the disk refused from what broke off on the way here. */
function isWriteError(error: unknown): boolean {
  return (error as { syscall?: unknown } | null)?.syscall === 'write';
}

async function isSpecial(file: string): Promise<boolean> {
  try {
    const status = await stat(file);
    return !status.isFile() && !status.isDirectory();
  } catch {
    // Missing, or not to be looked at: opening it will tell.
    return false;
  }
}
