// One changed file as a unified diff that git and patch understand. Binary and large files are named, not shown.

import { formatPatch, structuredPatch } from 'diff';
import type { File, FileChange } from '../engine/server/wire.ts';
import { formatSize } from './format.ts';

/** Larger files are not compared line by line. */
const MAX_BYTES = 1024 * 1024;
/** Files that differ in more lines than this are not either: it would take for ever. */
const MAX_EDITS = 3000;
const CONTEXT_LINES = 3;

/** Returns the diff of a change of one file, with a line feed at its end. Reads nothing that is too large. */
export async function unifiedDiff(
  change: FileChange,
  source: {
    readonly readOld: (file: File) => Promise<Buffer>;
    readonly readNew: (file: File) => Promise<Buffer>;
  },
): Promise<string> {
  const { old, new: now } = change;
  const [a, b] = [`a${(old ?? now)?.path}`, `b${(now ?? old)?.path}`];
  const sizes = [old, now].map((file) => (file ? formatSize(file.size) : 'nothing')).join(', now ');
  const brief = (what: string) => `${headOf(change, a, b)}${what} ${a} and ${b} differ: ${sizes}\n`;
  if (old && now && old.id === now.id) {
    return headOf(change, a, b);
  }
  if (Math.max(old?.size ?? 0, now?.size ?? 0) > MAX_BYTES) {
    return brief('Large files');
  }
  const before = old ? textOf(await source.readOld(old)) : '';
  const after = now ? textOf(await source.readNew(now)) : '';
  if (before === undefined || after === undefined) {
    return brief('Binary files');
  }
  const patch = structuredPatch(
    old ? a : '/dev/null',
    now ? b : '/dev/null',
    before,
    after,
    undefined,
    undefined,
    { context: CONTEXT_LINES, maxEditLength: old && now ? MAX_EDITS : Number.POSITIVE_INFINITY },
  );
  if (patch === undefined) {
    return brief('Very different files');
  }
  const hunks = patch.hunks.length === 0 ? '' : formatPatch(patch, FILE_NAMES);
  return headOf(change, a, b) + hunks;
}

const NO_HEADERS = { oldHeader: undefined, newHeader: undefined };
const FILE_NAMES = { includeIndex: false, includeUnderline: false, includeFileHeaders: true };

/** The lines by which Git says which file it is about. */
function headOf({ old, new: now }: FileChange, a: string, b: string): string {
  const mode = (file: File | null) =>
    file?.type === 'link' ? '120000' : file?.executable ? '100755' : '100644';
  const modes =
    old && now && mode(old) === mode(now) ? {} : { oldMode: mode(old), newMode: mode(now) };
  return formatPatch({
    oldFileName: a,
    newFileName: b,
    ...NO_HEADERS,
    ...modes,
    hunks: [],
    isGit: true,
    isCreate: old === null,
    isDelete: now === null,
  });
}

/** Returns the text that bytes are, or undefined where they are none. */
function textOf(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) {
    return undefined;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8: nothing a terminal could show.
    return undefined;
  }
}
