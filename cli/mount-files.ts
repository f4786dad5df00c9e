// The folders that stand in for those of an image, as they are sent to the engine.

import { statSync } from 'node:fs';
import { CliError, fileError } from './cli-error.ts';
import { encodeFiles, type UploadFile } from './frame-encoder.ts';
import { walk } from './walk.ts';

export interface Mount {
  /** A folder or a file of the user's. */
  readonly folder: string;
  readonly target: string;
}

/** Left behind: it may be large, and no code runs by it. */
const OMITTED = /^\/\.git\//;

/**
 * Yields the frames of all files, each path below the number of its mount. Symbolic links stay links; what `.git` holds is not
 * sent. Throws where something can't be read.
 */
export function mountFiles(mounts: readonly Mount[]): AsyncIterable<Uint8Array> {
  for (const { folder } of mounts) {
    // Before anything is started for it.
    isFolder(folder);
  }
  return encodeFiles(filesOf(mounts));
}

function* filesOf(mounts: readonly Mount[]): Iterable<UploadFile> {
  for (const [index, { folder }] of mounts.entries()) {
    if (!isFolder(folder)) {
      yield { path: String(index), from: folder };
      continue;
    }
    for (const [from, below, link] of walk(folder === '/' ? '' : folder, 'keep')) {
      if (!OMITTED.test(below)) {
        yield { path: `${index}${below}`, from, link };
      }
    }
  }
}

function isFolder(path: string): boolean {
  try {
    const status = statSync(path);
    if (!status.isFile() && !status.isDirectory()) {
      throw new CliError('io', `Cannot mount "${path}": it is neither a folder nor a file`);
    }
    return status.isDirectory();
  } catch (error) {
    throw error instanceof CliError ? error : fileError(`mount "${path}"`, error);
  }
}
