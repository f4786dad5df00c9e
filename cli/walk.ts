// Walks a folder of the user's in byte order, following links inside it. Reads no file's content.

import { isUtf8 } from 'node:buffer';
import { type Dirent, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { CliError, failure, fileError } from './cli-error.ts';

/** What becomes of symbolic links: the content they lead to, links, or an error. */
export type SymlinkRule = 'follow' | 'keep' | 'refuse';

/** A file, its path below the folder, and where it leads if it is a link that is kept. */
export type Walked = readonly [file: string, below: string, target?: string];

/**
 * Yields the regular files below `folder`, each with its path below it, sorted by the bytes of their names. Symbolic links are
 * treated as `symlinks` says; `folder` itself may be one. Throws an error that names the path for a link to follow that
 * dangles or leads back up, for sockets, devices and pipes, and for names that are not UTF-8.
 */
export function* walk(folder: string, symlinks: SymlinkRule = 'follow'): Iterable<Walked> {
  yield* walkInto({ folder, below: '', symlinks }, new Set());
}

function* walkInto(
  at: { readonly folder: string; readonly below: string; readonly symlinks: SymlinkRule },
  above: Set<string>,
): Iterable<Walked> {
  const { folder, below, symlinks } = at;
  const key = identity(stat(folder));
  if (above.has(key)) {
    throw new CliError(
      'io',
      `Cannot put "${folder}": its symbolic links lead in a circle; remove the link, or keep links with --symlinks keep`,
    );
  }
  above.add(key);
  for (const entry of sorted(list(folder))) {
    const file = `${folder}/${entry.name}`;
    const path = `${below}/${entry.name}`;
    if (entry.name.includes('\ufffd')) {
      checkUtf8(folder, entry.name);
    }
    if (entry.isSymbolicLink() && symlinks !== 'follow') {
      const target = targetOf(file);
      if (symlinks === 'refuse') {
        throw new CliError(
          'io',
          `Cannot put "${file}": it is a symbolic link to "${target}"; remove it, or say --symlinks follow or keep`,
        );
      }
      yield [file, path, target];
      continue;
    }
    const kind = entry.isSymbolicLink() ? stat(file) : entry;
    if (kind.isFile()) {
      yield [file, path];
    } else if (kind.isDirectory()) {
      yield* walkInto({ folder: file, below: path, symlinks }, above);
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
        `Cannot put "${file}": its symbolic link leads nowhere; remove the link, or keep links with --symlinks keep`,
        error,
      );
    }
    throw fileError(`read "${file}"`, error);
  }
}

function targetOf(file: string): string {
  let target: Buffer;
  try {
    target = readlinkSync(file, { encoding: 'buffer' });
  } catch (error) {
    throw fileError(`read the link "${file}"`, error);
  }
  if (!isUtf8(target)) {
    throw new CliError(
      'io',
      `Cannot put "${file}": its symbolic link leads to "${escaped(target)}", which is not valid UTF-8`,
    );
  }
  return target.toString();
}

/** Node decodes a name that is not UTF-8 to one with U+FFFD in it; a name may hold that character, too. */
function checkUtf8(folder: string, name: string): void {
  const bad = readdirSync(folder, { encoding: 'buffer' }).find(
    (bytes) => bytes.toString() === name && !isUtf8(bytes),
  );
  if (bad) {
    throw new CliError(
      'io',
      `Cannot put "${folder}/${escaped(bad)}": its name is not valid UTF-8; rename it`,
    );
  }
}

/** Shows bytes as text, and each that is not printable ASCII as `\\xNN`. */
function escaped(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
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
