// Keys of a bucket in the order of S3, which is that of Git: by the bytes of whole paths. It reads only directories in which
// something of the answer can be.

import type { FileEntry } from '../../pfs/files.ts';
import type { View } from './view.ts';

export interface KeyQuery {
  readonly prefix: string;
  /** Keys from the prefix to this are one item; '' for none. */
  readonly delimiter: string;
  /** Only what comes after this: a key, or what an item ended with. */
  readonly after: string;
}

/** A file, or the common beginning of several. */
export type KeyItem =
  | { readonly kind: 'file'; readonly key: string; readonly entry: FileEntry }
  | { readonly kind: 'prefix'; readonly key: string };

/** Yields what a listing shows. Symbolic links are left out. */
export async function* listKeys(view: View, query: KeyQuery): AsyncGenerator<KeyItem> {
  const { prefix, delimiter, after } = query;
  if (!view.root) {
    return;
  }
  const skipped = delimiter !== '' && after.endsWith(delimiter) ? after : undefined;
  let last = '';
  for await (const entry of walk(view, view.root, query)) {
    const isDirectory = entry.mode === '40000';
    const key = isDirectory ? `${entry.path}/` : entry.path;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (end < 0) {
      yield { kind: 'file', key, entry };
      continue;
    }
    const common = key.slice(0, end + delimiter.length);
    if (common !== last && common !== skipped && !isAfter(after, common)) {
      last = common;
      yield { kind: 'prefix', key: common };
    }
  }
}

/** Yields files and, where directories are items of their own, those, in order. */
async function* walk(view: View, directory: FileEntry, query: KeyQuery): AsyncGenerator<FileEntry> {
  const { prefix, delimiter, after } = query;
  for (const { name, mode, id } of await view.entries(directory)) {
    const path = directory.path === '' ? name : `${directory.path}/${name}`;
    if (mode === '40000') {
      const key = `${path}/`;
      const mayHold = key.startsWith(prefix) || prefix.startsWith(key);
      const isPast = !after.startsWith(key) && isAfter(after, key);
      if (!mayHold || isPast) {
        continue;
      }
      if (delimiter === '/' && key.startsWith(prefix) && key.length > prefix.length) {
        yield { path, mode, id };
      } else {
        yield* walk(view, { path, mode, id }, query);
      }
    } else if (mode !== '120000' && path.startsWith(prefix) && isAfter(path, after)) {
      yield { path, mode, id };
    }
  }
}

/** Compares as S3 does: by the bytes of UTF-8. */
export function isAfter(a: string, b: string): boolean {
  return b === '' || Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0;
}
