// Git's directories: the binary form of trees, and the order of their entries.

import { EngineError } from '../base/errors.ts';
import { MAX_DIRECTORY_ENTRIES } from '../base/limits.ts';
import { checkName } from './names.ts';
import { checkSpecialMode } from './special-files.ts';

/** File, executable file, symbolic link, directory. */
export type TreeMode = '100644' | '100755' | '120000' | '40000';

/** One name in a directory. */
export interface TreeEntry {
  readonly name: string;
  readonly mode: TreeMode;
  readonly id: string;
}

const MODES: ReadonlyMap<string, TreeMode> = new Map(
  (['100644', '100755', '120000', '40000'] as const).map((mode) => [mode, mode]),
);
const SPACE = 0x20;

/**
 * Compares two entries as Git sorts them: by the bytes of their UTF-8 names, a directory's name taken as if it
 * ended in a slash.
 */
export function compareEntries(a: TreeEntry, b: TreeEntry): number {
  const x = a.name;
  const y = b.name;
  const length = Math.min(x.length, y.length);
  for (let i = 0; i < length; i++) {
    const p = x.charCodeAt(i);
    const q = y.charCodeAt(i);
    if (p !== q) {
      return byteOrder(p) - byteOrder(q);
    }
  }
  return after(a, length) - after(b, length);
}

/** Makes the content of a tree object from entries in any order. Refuses bad names and names given twice. */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  if (entries.length > MAX_DIRECTORY_ENTRIES) {
    throw new EngineError(
      'invalid',
      `Cannot store a directory of ${entries.length} entries: the most is ${MAX_DIRECTORY_ENTRIES}; use subdirectories`,
    );
  }
  const sorted = isSorted(entries) ? entries : [...entries].sort(compareEntries);
  const names = new Set<string>();
  let most = 0;
  for (const { name, mode } of sorted) {
    checkName(name);
    checkSpecialMode(name, mode);
    names.add(name);
    most += 7 + name.length * 3 + 1 + 20;
  }
  if (names.size !== sorted.length) {
    throw new EngineError('invalid', `Cannot store a directory: "${twice(sorted)}" is in it twice`);
  }
  const bytes = Buffer.allocUnsafe(most);
  let at = 0;
  for (const { name, mode, id } of sorted) {
    at += bytes.write(mode, at, 'latin1');
    bytes[at++] = SPACE;
    at += bytes.write(name, at, 'utf8');
    bytes[at++] = 0;
    if (bytes.write(id, at, 'hex') !== 20) {
      throw new EngineError('internal', `Cannot store a directory: "${id}" is no object id`);
    }
    at += 20;
  }
  return bytes.subarray(0, at);
}

/** Reads the content of a tree object. */
export function decodeTree(bytes: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(SPACE, at);
    const end = bytes.indexOf(0, space);
    if (space < 0 || end < 0 || end + 21 > bytes.length) {
      throw new EngineError(
        'corrupt',
        `Cannot read a directory: it ends in the middle of an entry`,
      );
    }
    const text = bytes.toString('latin1', at, space);
    const mode = MODES.get(text);
    if (!mode) {
      throw new EngineError(
        'invalid',
        `Cannot read a directory: the mode "${text}" is not supported`,
      );
    }
    entries.push({
      mode,
      name: bytes.toString('utf8', space + 1, end),
      id: bytes.toString('hex', end + 1, end + 21),
    });
    at = end + 21;
  }
  return entries;
}

/** Maps a UTF-16 unit so that comparing units orders as comparing UTF-8 bytes does. */
function byteOrder(unit: number): number {
  if (unit < 0xd800) {
    return unit;
  }
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function after(entry: TreeEntry, length: number): number {
  if (entry.name.length > length) {
    return byteOrder(entry.name.charCodeAt(length)) + 1;
  }
  return entry.mode === '40000' ? 0x2f + 1 : 0;
}

function isSorted(entries: readonly TreeEntry[]): boolean {
  let last: TreeEntry | undefined;
  for (const entry of entries) {
    if (last && compareEntries(last, entry) >= 0) {
      return false;
    }
    last = entry;
  }
  return true;
}

function twice(entries: readonly TreeEntry[]): string {
  const seen = new Set<string>();
  return entries.find(({ name }) => seen.size === seen.add(name).size)?.name ?? '';
}
