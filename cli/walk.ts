// Walks a folder of the user's in byte order, following links inside it. Reads no file's content.

import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs';
import { CliError, failure, fileError } from './cli-error.ts';

/**
 * Yields the regular files below `folder`, each with its path below it, sorted by the bytes of their names. Symbolic links are
 * followed. Throws an error that names the path for a link that dangles or leads back up, for sockets, devices and
 * pipes, and for names that are not UTF-8.
 */
export function* walk(folder: string): Iterable<readonly [file: string, below: string]> {
  yield* walkInto(folder, '', new Set());
}

function* walkInto(
  folder: string,
  below: string,
  above: Set<string>,
): Iterable<readonly [file: string, below: string]> {
  const key = identity(stat(folder));
  if (above.has(key)) {
    throw new CliError(
      'io',
      `Cannot put "${folder}": its symbolic links lead in a circle; remove the link`,
    );
  }
  above.add(key);
  for (const entry of sorted(list(folder))) {
    const file = `${folder}/${entry.name}`;
    const path = `${below}/${entry.name}`;
    if (entry.name.includes('\ufffd')) {
      throw new CliError('io', `Cannot put "${file}": its name is not valid UTF-8; rename it`);
    }
    const kind = entry.isSymbolicLink() ? stat(file) : entry;
    if (kind.isFile()) {
      yield [file, path];
    } else if (kind.isDirectory()) {
      yield* walkInto(file, path, above);
    } else {
      throw new CliError(
        'io',
        `Cannot put "${file}": it is a ${special(kind)}, not a file; leave it out`,
      );
    }
  }
  above.delete(key);
}

/** Returns a file's status, links followed. */
function stat(file: string): Stats {
  try {
    return statSync(file);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') {
      throw failure(
        'io',
        `Cannot put "${file}": its symbolic link leads nowhere; remove the link`,
        error,
      );
    }
    throw fileError(`read "${file}"`, error);
  }
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw fileError(`read the folder "${folder}"`, error);
  }
}

function identity(stats: Stats): string {
  return `${stats.dev}:${stats.ino}`;
}

function sorted(entries: Dirent[]): Dirent[] {
  return entries.sort((a, b) => compareBytes(a.name, b.name));
}

/** Compares by UTF-8 bytes: in these, unlike in code units, what takes a surrogate pair comes last. */
function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const high = x >= 0xd800 && x <= 0xdfff;
      return high === (y >= 0xd800 && y <= 0xdfff) ? x - y : high ? 1 : -1;
    }
  }
  return a.length - b.length;
}

function special(kind: Dirent | Stats): string {
  if (kind.isFIFO()) {
    return 'named pipe';
  }
  if (kind.isSocket()) {
    return 'socket';
  }
  return 'device';
}
