// A tree being changed: edits gather in memory, and only then is each directory that changed written, once.

import { EngineError } from '../base/errors.ts';
import type { GitObjects } from '../git/git-objects.ts';
import { compareEntries, type TreeEntry, type TreeMode } from '../git/tree.ts';
import type { EntryRef } from '../journal/records.ts';
import { ATTRIBUTES_NAME } from './attributes.ts';
import {
  collision,
  findLarge,
  type GitSession,
  isPointer,
  readDirectory,
  readStored,
  replaceEntries,
  writeDirectory,
} from './directory.ts';
import { type DraftFile, DraftFolder } from './draft-folder.ts';
import { pieceName } from './split.ts';

/** Joins the contents of several blobs to one file. */
export type JoinFiles = (
  ids: readonly string[],
) => Promise<{ readonly id: string; readonly isLarge: boolean }>;

/** What to do when both trees have a file at one path. */
export interface MergeOptions {
  /** Called for a path that both have; throws to refuse. Where absent, the upper file wins. */
  readonly onBoth?: (path: string) => void;
}

const NUMBER = /^[0-9a-f]{16}$/;

/** A changed copy of a tree (null: of the empty one). Directories that become empty vanish. */
export class TreeDraft {
  readonly #objects: GitObjects;
  readonly #join: JoinFiles | undefined;
  #root: DraftFolder;

  constructor(
    objects: GitObjects,
    tree: string | null,
    options: { readonly join?: JoinFiles } = {},
  ) {
    this.#objects = objects;
    this.#join = options.join;
    this.#root = new DraftFolder(objects, tree);
  }

  /** Puts every file of `overlay` at its path. Rejects with `invalid` where a path would be a file and a directory. */
  async merge(overlay: string | null, options: MergeOptions = {}): Promise<void> {
    if (overlay !== null) {
      await this.#merge(this.#root, overlay, { ...options, path: '' });
    }
  }

  /** Takes every file of `lower` away, whatever its content is now. */
  async subtract(lower: string | null): Promise<void> {
    if (lower !== null) {
      await this.#subtract(this.#root, lower);
    }
  }

  /** Removes what stands at `path`; an absent path changes nothing. The path '' removes everything. */
  async remove(path: string): Promise<void> {
    if (path === '') {
      this.#root = new DraftFolder(this.#objects, null);
      return;
    }
    const { names, name } = split(path);
    const way: { parent: DraftFolder; step: string; folder: DraftFolder }[] = [];
    let parent = this.#root;
    for (const step of names) {
      const found = await parent.find(step);
      if (found === undefined || 'file' in found) {
        return;
      }
      way.push({ parent, step, folder: found.folder });
      parent = found.folder;
    }
    if (await parent.find(name)) {
      parent.changes.set(name, null);
      for (const { parent: above, step, folder } of way) {
        above.changes.set(step, folder);
      }
    }
  }

  /**
   * Puts `entry`, a file or a whole directory, at `path`, replacing what stands there. Rejects with `invalid` where a
   * segment on the way is a file.
   */
  async set(path: string, entry: EntryRef): Promise<void> {
    const { mode, id } = entry;
    if (mode === '40000') {
      const folder = new DraftFolder(this.#objects, id, { isForeign: true });
      if (path === '') {
        this.#root = folder;
      } else {
        const { parent, name } = await this.#makeParent(path);
        parent.changes.set(name, folder);
      }
      return;
    }
    if (path === '') {
      throw new EngineError('invalid', 'Cannot put a file at "/": name a path below it');
    }
    const isLarge = await isPointer(this.#objects, id);
    const { parent, name } = await this.#makeParent(path);
    parent.changes.set(name, { mode: mode as TreeMode, id, isLarge, tail: [] });
  }

  /** Adds a file's content to the end of the one at `path`, or makes it. A directory there is `invalid`. */
  async append(path: string, entry: EntryRef): Promise<void> {
    const { parent, name } = await this.#makeParent(path);
    const found = await parent.find(name);
    if (found === undefined) {
      await this.set(path, entry);
      return;
    }
    if ('folder' in found) {
      throw collision(path);
    }
    const { file } = found;
    if (file.mode === '120000') {
      throw new EngineError('invalid', `Cannot append to "/${path}": it is a symbolic link`);
    }
    if (parent.changes.get(name) === file) {
      file.tail.push(entry.id);
    } else {
      parent.changes.set(name, { ...file, tail: [entry.id] });
    }
  }

  /**
   * Puts the files of `tree`, in order, into the directory at `path` under the numbers (16 hex digits) that follow the
   * greatest one there. Rejects with `invalid` where a file stands at `path` or on the way.
   */
  async extend(path: string, tree: string): Promise<void> {
    const { parent } = await this.#makeParent(`${path}/`);
    const { entries: pieces, large } = await readDirectory(this.#objects, tree);
    let last = -1n;
    const { entries } = await parent.stored();
    for (const name of [...entries.map((entry) => entry.name), ...parent.changes.keys()]) {
      if (NUMBER.test(name) && BigInt(`0x${name}`) > last && (await parent.find(name))) {
        last = BigInt(`0x${name}`);
      }
    }
    for (const { name, mode, id } of pieces) {
      last += 1n;
      const isLarge = large.has(name);
      parent.changes.set(pieceName(last), { mode, id, isLarge, tail: [] });
    }
  }

  /** Writes what changed and returns the tree; null when nothing is in it. */
  async write(session: GitSession): Promise<string | null> {
    return await this.#write(session, this.#root, { isRoot: true });
  }

  async #merge(
    folder: DraftFolder,
    overlay: string,
    options: MergeOptions & { readonly path: string },
  ): Promise<void> {
    const { path, onBoth } = options;
    const upper = await readDirectory(this.#objects, overlay);
    for (const { name, mode, id } of upper.entries) {
      const at = join(path, name);
      const found = await folder.find(name);
      if (mode === '40000') {
        if (found === undefined) {
          folder.changes.set(name, new DraftFolder(this.#objects, id));
        } else if ('file' in found) {
          throw collision(at);
        } else if (found.folder.changes.size > 0 || found.folder.base !== id) {
          await this.#merge(found.folder, id, { ...options, path: at });
          folder.changes.set(name, found.folder);
        } else if (onBoth) {
          await this.#merge(found.folder, id, { ...options, path: at });
        }
      } else {
        if (found && 'folder' in found) {
          throw collision(at);
        }
        if (found) {
          onBoth?.(at);
        }
        folder.changes.set(name, { mode, id, isLarge: upper.large.has(name), tail: [] });
      }
    }
  }

  async #subtract(folder: DraftFolder, lower: string): Promise<void> {
    for (const { name, mode, id } of (await readStored(this.#objects, lower)).entries) {
      const found = await folder.find(name);
      if (found === undefined || 'file' in found === (mode === '40000')) {
        continue;
      }
      if ('file' in found || (found.folder.base === id && found.folder.changes.size === 0)) {
        folder.changes.set(name, null);
      } else {
        await this.#subtract(found.folder, id);
        folder.changes.set(name, found.folder);
      }
    }
  }

  /** Returns the directory that `path` is in, made where it is missing. */
  async #makeParent(path: string): Promise<{ parent: DraftFolder; name: string }> {
    const { names, name } = split(path);
    let parent = this.#root;
    let at = '';
    for (const step of names) {
      at = join(at, step);
      const found = await parent.find(step);
      if (found && 'file' in found) {
        throw collision(at);
      }
      const folder = found?.folder ?? new DraftFolder(this.#objects, null);
      parent.changes.set(step, folder);
      parent = folder;
    }
    return { parent, name };
  }

  async #write(
    session: GitSession,
    folder: DraftFolder,
    { isRoot }: { readonly isRoot: boolean },
  ): Promise<string | null> {
    const { base, changes, isForeign } = folder;
    if (changes.size === 0 && !isForeign) {
      return base;
    }
    const stored = await folder.stored();
    const added: TreeEntry[] = [];
    const addedLarge: string[] = [];
    for (const [name, item] of changes) {
      if (item === null) {
        continue;
      }
      if (item instanceof DraftFolder) {
        const id = await this.#write(session, item, { isRoot: false });
        if (id !== null) {
          added.push({ name, mode: '40000', id });
        }
      } else {
        const { id, isLarge } = await this.#finish(item);
        added.push({ name, mode: item.mode, id });
        if (isLarge) {
          addedLarge.push(name);
        }
      }
    }
    const entries = replaceEntries(stored.entries, changes, added.sort(compareEntries));
    // While a user's own attributes stand there is no place for ours, so nobody needs to know.
    const isTheirs = stored.large === undefined && !changes.has(ATTRIBUTES_NAME);
    const known = stored.large ?? (isTheirs ? [] : await findLarge(this.#objects, stored.entries));
    const large = new Set(known);
    for (const name of changes.keys()) {
      large.delete(name);
    }
    for (const name of addedLarge) {
      large.add(name);
    }
    return await writeDirectory(session, { entries, large }, { isRoot, base });
  }

  async #finish(file: DraftFile): Promise<{ id: string; isLarge: boolean }> {
    if (file.tail.length === 0) {
      return file;
    }
    if (this.#join === undefined) {
      throw new EngineError('internal', 'Cannot append: nothing was given to join files with');
    }
    return await this.#join([file.id, ...file.tail]);
  }
}

function split(path: string): { names: string[]; name: string } {
  const names = path.split('/');
  const name = names.pop() ?? '';
  return { names, name };
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}
