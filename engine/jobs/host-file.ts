// Files and links on this machine, with errors that say what to do. It knows nothing of what the files hold.

import {
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { copyFile, statfs } from 'node:fs/promises';
import { EngineError, errorText, systemCode } from '../base/errors.ts';

/** The time of change of every file that is written: contents have none. */
const MODIFIED = 0;
const UMASK = process.umask();

/** Makes `target`, which doesn't exist, a copy: one that shares its blocks where the file system can. */
export async function copyTo(path: string, target: string): Promise<void> {
  await copyFile(path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
}

/** Makes `target` another name of a file, or a copy where the file can't have one. */
export async function linkOrCopy(path: string, target: string): Promise<void> {
  try {
    linkSync(path, target);
  } catch (error) {
    // Too many links, another disk, or a file system without links.
    if (!['EMLINK', 'EXDEV', 'EPERM', 'ENOTSUP'].includes(systemCode(error) ?? '')) {
      throw error;
    }
    await copyTo(path, target);
  }
}

/** Writes a new file of bytes that are at hand. */
export function writeSmall(path: string, options: { bytes: Uint8Array; mode: number }): void {
  const { bytes, mode } = options;
  const file = openSync(path, 'wx', mode);
  try {
    writeAll(file, bytes);
    futimesSync(file, MODIFIED, MODIFIED);
    if ((mode & UMASK) !== 0) {
      fchmodSync(file, mode);
    }
  } finally {
    closeSync(file);
  }
}

/** Writes a new file and returns how many bytes came; stops beyond `limit`. Rejects with `cancelled` when the signal aborts. */
export async function writeNew(
  path: string,
  source: AsyncIterable<Uint8Array>,
  options: { mode: number; limit: number; signal?: AbortSignal | undefined },
): Promise<number> {
  const file = openSync(path, 'wx', 0o600);
  try {
    let written = 0;
    for await (const part of source) {
      if (options.signal?.aborted) {
        throw new EngineError('cancelled', 'Cannot write the file: the work was cancelled');
      }
      written += writeAll(file, part);
      if (written > options.limit) {
        break;
      }
    }
    futimesSync(file, MODIFIED, MODIFIED);
    fchmodSync(file, options.mode);
    return written;
  } finally {
    closeSync(file);
  }
}

/** Reads a file that is said to hold `size` bytes, to its end. */
export function readWhole(file: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const count = readSync(file, bytes, at, size - at, null);
    if (count === 0) {
      break;
    }
    at += count;
  }
  return at === size ? bytes : bytes.subarray(0, at);
}

function writeAll(file: number, bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    at += writeSync(file, bytes, at);
  }
  return at;
}

/** Returns how many bytes this user may still write to the disk of a directory. */
export async function diskFreeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** The error for a file that can't be fetched to the cache; ours pass as they are. */
export function fetchError(error: unknown, id: string): unknown {
  if (error instanceof EngineError) {
    return error;
  }
  const full = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
  return new EngineError(
    full ? 'resource_exhausted' : 'unavailable',
    `Cannot fetch file "${id}" to the local cache: ${full ? 'the disk is full; make room on it' : `${errorText(error)}; check the disk`}`,
    { cause: error },
  );
}

/** The error for a file that can't be shown to user code: `invalid` where its name is the reason. */
export function placeError(error: unknown, target: string): EngineError {
  const code = systemCode(error);
  const shown = target.length > 300 ? `…${target.slice(-300)}` : target;
  if (code === 'ENAMETOOLONG' || code === 'EILSEQ' || code === 'EINVAL') {
    return new EngineError(
      'invalid',
      `Cannot show file "${shown}": its name is too long for, or not allowed by, this machine's file system; rename it in the repo`,
      { cause: error },
    );
  }
  if (code === 'EEXIST') {
    return new EngineError(
      'invalid',
      `Cannot show file "${shown}": this machine's file system can't tell its name from that of another file beside it; rename it in the repo`,
      { cause: error },
    );
  }
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new EngineError(
    full ? 'resource_exhausted' : 'unavailable',
    `Cannot show file "${shown}": ${full ? 'the disk is full; make room on it' : errorText(error)}`,
    { cause: error },
  );
}

/** The error for a cache that can't be opened. */
export function openError(error: unknown, directory: string): EngineError {
  return new EngineError(
    'unavailable',
    `Cannot open the cache "${directory}": ${errorText(error)}; check the disk and its permissions`,
    { cause: error },
  );
}
