// Writes files that arrive as frames into a folder of the user's: all of them or none, and nothing outside it.

import {
  closeSync,
  type Dirent,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { decodeFrames } from '../engine/server/frames.ts';
import { CliError, failure, fileError } from './cli-error.ts';

export interface Written {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes the files of a frame stream below `folder`, which is made where it is missing. They are collected in a hidden folder
 * inside it and moved to their places when all have arrived; files of the same names are replaced. On any error, or
 * when `signal` fires, nothing is moved and what was collected is removed. Throws for paths that lead out of the folder.
 * @param options.onProgress called with the counts so far.
 * @param options.folders made even where no file lies in them.
 */
export async function writeFolder(
  folder: string,
  options: {
    readonly source: AsyncIterable<Uint8Array>;
    readonly signal?: AbortSignal;
    readonly folders?: readonly string[];
    readonly onProgress?: (written: Written) => void;
  },
): Promise<Written> {
  const { staging, made } = makeStaging(folder);
  let isDone = false;
  try {
    const written = await collect(staging, { ...options, folder });
    options.signal?.throwIfAborted();
    check(folder, staging);
    moveInto(folder, staging);
    isDone = true;
    return written;
  } finally {
    rmSync(made !== undefined && !isDone ? made : staging, { recursive: true, force: true });
  }
}

/** Throws unless `path` is one that stays inside the folder it is put in. Returns its parts. */
export function safeParts(path: string): readonly string[] {
  const parts = path.replace(/^\//, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw new CliError(
      'io',
      `Cannot write "${path}": its path leads out of the folder; nothing was written`,
    );
  }
  return parts;
}

/** Returns the hidden folder, and the topmost folder that had to be made for it, if one had. */
function makeStaging(folder: string): { staging: string; made: string | undefined } {
  try {
    const made = mkdirSync(folder, { recursive: true });
    return { staging: mkdtempSync(join(folder, '.pfs-get-')), made };
  } catch (error) {
    throw fileError(`write into "${folder}"`, error);
  }
}

async function collect(
  staging: string,
  options: Parameters<typeof writeFolder>[1] & { readonly folder: string },
): Promise<Written> {
  const made = new Set(['']);
  let files = 0;
  let bytes = 0;
  let fd: number | undefined;
  const links: { readonly path: string; readonly parts: readonly string[]; target: string }[] = [];
  const makeParents = (parts: readonly string[], path: string): void => {
    const parent = path.slice(0, Math.max(0, path.length - (parts.at(-1)?.length ?? 0) - 1));
    if (!made.has(parent)) {
      mkdirSync(join(staging, parent), { recursive: true });
      made.add(parent);
    }
  };
  let current = '';
  try {
    for (const path of options.folders ?? []) {
      mkdirSync(join(staging, path), { recursive: true });
    }
    for await (const parts of decodeFrames(options.source)) {
      options.signal?.throwIfAborted();
      for (const part of parts) {
        if (part.link) {
          const names = safeParts(part.path);
          links.push({ path: names.join('/'), parts: names, target: part.data.toString() });
          files += 1;
          continue;
        }
        if (part.first) {
          const names = safeParts(part.path);
          current = names.join('/');
          makeParents(names, current);
          // "wx" refuses to follow or replace anything; the mode is narrowed by the user's own umask.
          fd = openSync(`${staging}/${current}`, 'wx', part.executable ? 0o777 : 0o666);
        }
        if (fd !== undefined) {
          writeAll(fd, part.data);
        }
        bytes += part.data.length;
        if (part.last && fd !== undefined) {
          closeSync(fd);
          fd = undefined;
          files += 1;
        }
      }
      options.onProgress?.({ files, bytes });
    }
    for (const { parts, path } of links) {
      makeParents(parts, path);
    }
    // Last, so that nothing can be written, nor a folder made, through one.
    for (const { target, path } of links) {
      current = path;
      symlinkSync(target, `${staging}/${path}`);
    }
  } catch (error) {
    if (error instanceof CliError) {
      throw error;
    }
    if (error instanceof Error && error.name === 'EngineError') {
      throw failure(
        'unreachable',
        'Cannot get the files: the engine broke off before the last had arrived; nothing was written, try again',
        error,
      );
    }
    const code = (error as { code?: unknown } | null)?.code;
    if (code === 'EEXIST') {
      throw failure(
        'io',
        `Cannot write "${current}": another file has the same name here, perhaps in other case; nothing was written`,
        error,
      );
    }
    throw typeof code === 'string' && code.startsWith('E')
      ? fileError(`write "${join(options.folder, current)}"`, error)
      : error;
  } finally {
    if (fd !== undefined) {
      closeSync(fd);
    }
  }
  return { files, bytes };
}

function writeAll(fd: number, data: Buffer): void {
  let done = 0;
  while (done < data.length) {
    done += writeSync(fd, data, done, data.length - done);
  }
}

/** Moves what `from` holds into `to`. Folders that both have are merged, never through a symbolic link. */
function moveInto(to: string, from: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const target = join(to, entry.name);
    const source = join(from, entry.name);
    try {
      if (entry.isDirectory() && statusOf(target)) {
        moveInto(target, source);
        rmdirSync(source);
      } else {
        renameSync(source, target);
      }
    } catch (error) {
      throw error instanceof CliError ? error : fileError(`write "${target}"`, error);
    }
  }
}

/** Looks at every place first, so that a conflict is found before anything was moved. */
function check(to: string, from: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true }) as Dirent[]) {
    const target = join(to, entry.name);
    const status = statusOf(target);
    if (!status) {
      continue;
    }
    if (entry.isDirectory() !== status.isDirectory()) {
      const state = status.isSymbolicLink()
        ? 'a symbolic link stands there'
        : status.isDirectory()
          ? 'a directory stands there'
          : 'a file stands there';
      throw new CliError(
        'conflict',
        `Cannot write "${target}": ${state}; remove it or choose another folder`,
      );
    }
    if (entry.isDirectory()) {
      check(target, join(from, entry.name));
    }
  }
}

function statusOf(path: string): ReturnType<typeof lstatSync> | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
