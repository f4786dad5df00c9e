// What user code is shown below `/pfs`, as a tree of whole Git directories and files. It is a plan: nothing here
// touches the disk.

import { EngineError } from '../base/errors.ts';
import type { ContentReader } from './contents.ts';
import type { MountEntry } from './datum-task.ts';

/** A file, a whole directory of a commit, or a directory of which only some entries are shown. */
export type Shown =
  | {
      readonly kind: 'file';
      readonly id: string;
      readonly executable: boolean;
      /** Shown without its bytes. */
      readonly isEmpty: boolean;
      /** Shown as a pipe, and fetched when it is opened. */
      readonly isLazy?: boolean;
      /** Whether the blob is a pointer; undefined where only the blob can tell. */
      readonly isLarge?: boolean;
    }
  | {
      readonly kind: 'tree';
      readonly id: string;
      readonly isEmpty: boolean;
      readonly isLazy?: boolean;
    }
  | { readonly kind: 'partial'; readonly children: ReadonlyMap<string, Shown> };

type Partial = { readonly kind: 'partial'; readonly children: Map<string, Shown> };

/** Plans what stands below `/pfs`: a directory per input, and in it each entry at its path in the repo. */
export function planShown(entries: readonly MountEntry[]): Shown {
  const root: Partial = { kind: 'partial', children: new Map() };
  for (const entry of entries) {
    if (entry.input === 'out' || entry.input === '' || entry.input.includes('/')) {
      throw new EngineError(
        'invalid',
        `Cannot show input "${entry.input}": no directory below /pfs can have that name; rename the input`,
      );
    }
    insert(root, [entry.input, ...entry.path.split('/').filter((name) => name !== '')], entry);
  }
  return root;
}

function insert(root: Partial, path: readonly string[], entry: MountEntry): void {
  let directory = root;
  for (const [depth, name] of path.entries()) {
    const here = directory.children.get(name);
    if (depth === path.length - 1) {
      // A directory shown as a whole stays whole; of a file and a directory in one place the newer entry wins.
      if (here?.kind !== 'tree') {
        directory.children.set(name, fromEntry(entry.mode, { ...entry, name }));
      }
      return;
    }
    if (here?.kind === 'tree') {
      return;
    }
    const next: Partial =
      here?.kind === 'partial' ? (here as Partial) : { kind: 'partial', children: new Map() };
    directory.children.set(name, next);
    directory = next;
  }
}

function fromEntry(
  mode: string,
  entry: {
    readonly id: string;
    /** For messages. */
    readonly name?: string;
    readonly emptyFiles?: boolean;
    readonly lazy?: boolean;
    readonly isLarge?: boolean;
  },
): Shown {
  const { id, name, emptyFiles: isEmpty = false, isLarge } = entry;
  const lazy = entry.lazy === true && !isEmpty ? { isLazy: true } : {};
  if (mode === '40000') {
    return { kind: 'tree', id, isEmpty, ...lazy };
  }
  if (mode === '120000') {
    throw new EngineError(
      'invalid',
      `Cannot show ${name === undefined ? 'an input' : `"${name}"`}: it is a symbolic link that was kept, and no datum can say what it leads to; put the file itself (--symlinks follow)`,
    );
  }
  const executable = mode === '100755';
  return isLarge === undefined
    ? { kind: 'file', id, executable, isEmpty, ...lazy }
    : { kind: 'file', id, executable, isEmpty, isLarge, ...lazy };
}

/** Returns whether two plans show the same bytes under the same names, as far as can be told without reading. */
export function isSameShown(a: Shown, b: Shown): boolean {
  if (a.kind === 'partial' || b.kind === 'partial') {
    return false;
  }
  const sameKind =
    a.kind === 'file' ? b.kind === 'file' && a.executable === b.executable : b.kind === 'tree';
  const sameLaziness = (a.isLazy ?? false) === (b.isLazy ?? false);
  return sameKind && sameLaziness && a.id === b.id && a.isEmpty === b.isEmpty;
}

/** Returns what a directory of the plan holds; a file holds nothing. */
export async function childrenOf(
  shown: Shown | undefined,
  reader: ContentReader,
): Promise<ReadonlyMap<string, Shown>> {
  if (shown === undefined || shown.kind === 'file') {
    return new Map();
  }
  if (shown.kind === 'partial') {
    return shown.children;
  }
  const { entries, large } = await reader.readDirectory(shown.id);
  const children = new Map<string, Shown>();
  for (const { name, mode, id } of entries) {
    const isLarge = large.has(name);
    const { isEmpty: emptyFiles, isLazy: lazy = false } = shown;
    children.set(name, fromEntry(mode, { id, name, emptyFiles, lazy, isLarge }));
  }
  return children;
}

/** Finds what stands at a path of the plan, given in names. */
export async function findShown(
  root: Shown,
  path: readonly string[],
  reader: ContentReader,
): Promise<Shown | undefined> {
  let found: Shown | undefined = root;
  for (const name of path) {
    const children: ReadonlyMap<string, Shown> = await childrenOf(found, reader);
    found = children.get(name);
    if (found === undefined) {
      return undefined;
    }
  }
  return found;
}

/** Yields the files that are shown as pipes, each with its path in names. */
export async function* lazyFiles(
  shown: Shown,
  reader: ContentReader,
  path: readonly string[] = [],
): AsyncGenerator<{ readonly path: readonly string[]; readonly id: string }> {
  if (shown.kind === 'file') {
    if (shown.isLazy) {
      yield { path, id: shown.id };
    }
  } else if (shown.kind === 'partial' || shown.isLazy) {
    for (const [name, child] of await childrenOf(shown, reader)) {
      yield* lazyFiles(child, reader, [...path, name]);
    }
  }
}
