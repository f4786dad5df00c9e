// Writes files that arrive as frames into a folder of the user's: all of them or none, and nothing outside it.

import {
  type Dirent,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { decodeFrames } from '../engine/server/frames.ts';
import { CliError, failure, fileError } from './cli-error.ts';
import { FolderCollector, type Written } from './folder-collector.ts';

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
  const collector = new FolderCollector(staging);
  try {
    for (const path of options.folders ?? []) {
      mkdirSync(join(staging, path), { recursive: true });
    }
    for await (const parts of decodeFrames(options.source)) {
      options.signal?.throwIfAborted();
      for (const part of parts) {
        const waiting = collector.take(part);
        if (waiting) {
          await waiting;
        }
      }
      options.onProgress?.(collector.written);
    }
    await collector.finish();
  } catch (error) {
    throw collectError(error, { folder: options.folder, current: collector.current });
  } finally {
    await collector.close();
  }
  return collector.written;
}

function collectError(
  error: unknown,
  { folder, current }: { readonly folder: string; readonly current: string },
): unknown {
  if (error instanceof CliError) {
    return error;
  }
  if (error instanceof Error && error.name === 'EngineError') {
    return failure(
      'unreachable',
      'Cannot get the files: the engine broke off before the last had arrived; nothing was written, try again',
      error,
    );
  }
  const { code, path = current } = (error ?? {}) as { code?: unknown; path?: string };
  const place = path.startsWith('/') ? current : path;
  if (code === 'EEXIST') {
    return failure(
      'io',
      `Cannot write "${place}": another file has the same name here, perhaps in other case; nothing was written`,
      error,
    );
  }
  return typeof code === 'string' && code.startsWith('E')
    ? fileError(`write "${join(folder, place)}"`, error)
    : error;
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
