// A change to a directory on its stored bytes: what stays is copied, not decoded, so that one file in a directory
// of a hundred thousand costs milliseconds.

import { EngineError } from '../base/errors.ts';
import { MAX_DIRECTORY_ENTRIES } from '../base/limits.ts';
import { compareEntries, encodeTree, type TreeEntry } from './tree.ts';

/** What becomes of names in a directory: an entry is put in place of whatever has its name, null removes. */
export type TreeChanges = ReadonlyMap<string, Omit<TreeEntry, 'name'> | null>;

/** The new content of a tree, and the ids of the entries that are no longer in it. */
export interface EditedTree {
  readonly content: Buffer;
  /** How many entries it has. */
  readonly count: number;
  readonly removed: readonly string[];
}

interface Point {
  /** The name as it sorts: that of a directory ends in a slash. */
  readonly key: Buffer;
  readonly entry: Buffer | undefined;
}

const SLASH = 0x2f;
const DIRECTORY = 0x34; // The 4 of 40000; the other modes begin with 1.

/** Applies changes to the content of a tree object. */
export function editTree(content: Buffer, changes: TreeChanges): EditedTree {
  const points = toPoints(changes);
  const pieces: Buffer[] = [];
  const removed: string[] = [];
  let count = 0;
  let copied = 0;
  let number = 0;
  let point = points[0];
  for (let at = 0; at < content.length; ) {
    const { name, nul } = findName(content, at);
    const end = nul + 21;
    const slash = content[at] === DIRECTORY;
    for (; point; point = points[++number]) {
      const order = compareKey(content, { from: name, to: nul, slash, key: point.key });
      if (order < 0) {
        break;
      }
      pieces.push(content.subarray(copied, at));
      copied = at;
      if (point.entry) {
        pieces.push(point.entry);
        count += 1;
      }
      if (order === 0) {
        removed.push(content.toString('hex', nul + 1, end));
        copied = end;
        count -= 1;
        point = points[++number];
        break;
      }
    }
    count += 1;
    at = end;
  }
  pieces.push(content.subarray(copied));
  for (; point; point = points[++number]) {
    if (point.entry) {
      pieces.push(point.entry);
      count += 1;
    }
  }
  if (count > MAX_DIRECTORY_ENTRIES) {
    throw new EngineError(
      'invalid',
      `Cannot store a directory of ${count} entries: the most is ${MAX_DIRECTORY_ENTRIES}; use subdirectories`,
    );
  }
  return { content: Buffer.concat(pieces), count, removed };
}

/**
 * Returns what makes `after` out of `before`, both in Git's order; undefined when `after` is not in that order.
 * Entries that are the same object in both cost next to nothing.
 */
export function diffEntries(
  before: readonly TreeEntry[],
  after: readonly TreeEntry[],
): TreeChanges | undefined {
  const changes = new Map<string, TreeEntry | null>();
  let at = 0;
  let last: TreeEntry | undefined;
  for (const entry of after) {
    let old = before[at];
    if (old !== entry) {
      if (last && compareEntries(last, entry) >= 0) {
        return undefined;
      }
      for (; old && compareEntries(old, entry) < 0; old = before[++at]) {
        if (!changes.has(old.name)) {
          changes.set(old.name, null);
        }
      }
    }
    if (old && (old === entry || compareEntries(old, entry) === 0)) {
      at += 1;
      if (old.id !== entry.id || old.mode !== entry.mode) {
        changes.set(entry.name, entry);
      }
    } else {
      changes.set(entry.name, entry);
    }
    last = entry;
  }
  for (const { name } of before.slice(at)) {
    if (!changes.has(name)) {
      changes.set(name, null);
    }
  }
  return changes;
}

/** Each name can stand in two places, as a file and as a directory; what it had in either goes. */
function toPoints(changes: TreeChanges): Point[] {
  const points: Point[] = [];
  for (const [name, change] of changes) {
    const entry = change ? encodeTree([{ name, ...change }]) : undefined;
    const isDirectory = change?.mode === '40000';
    points.push({ key: Buffer.from(name), entry: isDirectory ? undefined : entry });
    points.push({ key: Buffer.from(`${name}/`), entry: isDirectory ? entry : undefined });
  }
  return points.sort((a, b) => a.key.compare(b.key));
}

function findName(content: Buffer, at: number): { name: number; nul: number } {
  let name = at + 5;
  while (name <= at + 6 && content[name] !== 0x20) {
    name += 1;
  }
  name += 1;
  let nul = name;
  while (nul < content.length && content[nul] !== 0) {
    nul += 1;
  }
  if (name > at + 7 || nul + 21 > content.length) {
    throw new EngineError('corrupt', 'Cannot read a directory: an entry of it is malformed');
  }
  return { name, nul };
}

function compareKey(
  content: Buffer,
  entry: { from: number; to: number; slash: boolean; key: Buffer },
): number {
  const { from, to, slash, key } = entry;
  const length = to - from;
  const least = Math.min(length, key.length);
  for (let i = 0; i < least; i++) {
    const difference = (content[from + i] ?? 0) - (key[i] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  if (length > least) {
    return 1;
  }
  if (!slash) {
    return length - key.length;
  }
  if (key.length === length) {
    return 1;
  }
  return SLASH - (key[length] ?? 0) || length + 1 - key.length;
}
