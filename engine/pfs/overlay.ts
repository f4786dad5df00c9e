// The files of one upload as a tree of their own, to be merged into a commit's.

import { compareEntries, type TreeEntry, type TreeMode } from '../git/tree.ts';
import { collision, type GitSession, writeDirectory } from './directory.ts';

/** A file's place in a tree: `isLarge` where the blob is an LFS pointer. */
export interface OverlayFile {
  readonly mode: TreeMode;
  readonly id: string;
  readonly isLarge: boolean;
}

type Folder = Map<string, Folder | OverlayFile>;

/** Collects files by path and writes the tree that holds them all. */
export class Overlay {
  readonly #root: Folder = new Map();
  #last: { directory: string; folder: Folder } | undefined;

  get isEmpty(): boolean {
    return this.#root.size === 0;
  }

  /** Adds a file; the last one at a path stays. Rejects with `invalid` where a file and a directory collide. */
  add(path: string, file: OverlayFile): void {
    const slash = path.lastIndexOf('/');
    const directory = slash < 0 ? '' : path.slice(0, slash);
    const folder = this.#folder(directory);
    const name = path.slice(slash + 1);
    if (folder.get(name) instanceof Map) {
      throw collision(path);
    }
    folder.set(name, file);
  }

  /** Writes the trees and returns the root, without what only a commit's root holds; null when there are no files. */
  async write(session: GitSession): Promise<string | null> {
    return await writeFolder(session, this.#root);
  }

  #folder(directory: string): Folder {
    // Files come directory by directory: the last one is nearly always the next.
    if (this.#last?.directory === directory) {
      return this.#last.folder;
    }
    let folder = this.#root;
    for (const name of directory === '' ? [] : directory.split('/')) {
      const below = folder.get(name);
      if (below === undefined) {
        const made: Folder = new Map();
        folder.set(name, made);
        folder = made;
      } else if (below instanceof Map) {
        folder = below;
      } else {
        throw collision(directory);
      }
    }
    this.#last = { directory, folder };
    return folder;
  }
}

async function writeFolder(session: GitSession, folder: Folder): Promise<string | null> {
  const entries: TreeEntry[] = [];
  const large = new Set<string>();
  for (const [name, item] of folder) {
    if (item instanceof Map) {
      const id = await writeFolder(session, item);
      if (id !== null) {
        entries.push({ name, mode: '40000', id });
      }
    } else {
      entries.push({ name, mode: item.mode, id: item.id });
      if (item.isLarge) {
        large.add(name);
      }
    }
  }
  entries.sort(compareEntries);
  return await writeDirectory(session, { entries, large }, { isRoot: false });
}
