// What differs between two texts, line by line, as rows for two columns or for one.

import { diffWordsWithSpace, type StructuredPatchHunk, structuredPatch } from 'diff';

/** A stretch of a line; `isChanged` where the other side has something else. */
export interface Stretch {
  readonly text: string;
  readonly isChanged: boolean;
}

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly stretches: readonly Stretch[];
}

/** One row. A gap stands for lines that are the same on both sides. */
export type DiffRow =
  | { readonly kind: 'gap'; readonly lines: number }
  | { readonly kind: 'same'; readonly old: Line; readonly new: Line }
  | { readonly kind: 'changed'; readonly old: Line | undefined; readonly new: Line | undefined };

/** Texts that differ in more lines than this are not compared: it would take for ever. */
const MAX_EDITS = 4000;
const MAX_WORDS = 2000;

/**
 * Returns the rows of two texts, with so many lines around what differs; none where nothing does. Undefined where they differ
 * in too much.
 */
export function diffLines(old: string, now: string, context = 3): readonly DiffRow[] | undefined {
  const patch = structuredPatch('', '', old, now, undefined, undefined, {
    context,
    maxEditLength: old === '' || now === '' ? Number.POSITIVE_INFINITY : MAX_EDITS,
  });
  if (patch === undefined) {
    return undefined;
  }
  const rows: DiffRow[] = [];
  let oldAt = 1;
  for (const hunk of patch.hunks) {
    addGap(rows, hunk.oldStart - oldAt);
    addHunk(rows, hunk);
    oldAt = hunk.oldStart + hunk.oldLines;
  }
  if (rows.length > 0) {
    addGap(rows, countLines(old) + 1 - oldAt);
  }
  return rows;
}

function addGap(rows: DiffRow[], lines: number): void {
  if (lines > 0) {
    rows.push({ kind: 'gap', lines });
  }
}

function addHunk(rows: DiffRow[], hunk: StructuredPatchHunk): void {
  let { oldStart: old, newStart: now } = hunk;
  let removed: string[] = [];
  let added: string[] = [];
  const flush = () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i += 1) {
      const [left, right] = compareWords(removed[i], added[i]);
      rows.push({
        kind: 'changed',
        old: left && { number: old + i, stretches: left },
        new: right && { number: now + i, stretches: right },
      });
    }
    old += removed.length;
    now += added.length;
    removed = [];
    added = [];
  };
  for (const line of hunk.lines) {
    const text = line.slice(1);
    if (line.startsWith('-')) {
      removed.push(text);
    } else if (line.startsWith('+')) {
      added.push(text);
    } else if (line.startsWith(' ')) {
      flush();
      const stretches = [{ text, isChanged: false }];
      rows.push({
        kind: 'same',
        old: { number: old, stretches },
        new: { number: now, stretches },
      });
      old += 1;
      now += 1;
    }
  }
  flush();
}

function compareWords(
  old: string | undefined,
  now: string | undefined,
): [Stretch[] | undefined, Stretch[] | undefined] {
  const plain = (text: string | undefined) =>
    text === undefined ? undefined : [{ text, isChanged: false }];
  if (old === undefined || now === undefined || old.length + now.length > MAX_WORDS) {
    return [plain(old), plain(now)];
  }
  const parts = diffWordsWithSpace(old, now);
  const side = (without: 'added' | 'removed') =>
    parts
      .filter((part) => !part[without])
      .map(({ value, added, removed }) => ({ text: value, isChanged: added || removed }));
  return [side('added'), side('removed')];
}

function countLines(text: string): number {
  return text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
