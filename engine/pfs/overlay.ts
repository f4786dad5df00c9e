// The files of one upload as a tree of their own, to be merged into a commit's.

import { EngineError } from '../base/errors.ts';
import { compareEntries, type TreeEntry } from '../git/tree.ts';
import { collision, type GitSession, writeDirectory } from './directory.ts';
import { Folder, type OverlayFile } from './overlay-folder.ts';

export type { OverlayFile } from './overlay-folder.ts';

/** Few links can stand for very many files. */
const MAX_COPIED = 1_000_000;

/** A link among the files: a hard one's target is a path in here, a symbolic one's what it says. */
export interface Link {
  readonly path: string;
  readonly target: string;
  readonly isHard: boolean;
}

function badLink(link: Link, why: string): EngineError {
  const kind = link.isHard ? 'hard' : 'symbolic';
  return new EngineError(
    'invalid',
    `Cannot store "/${link.path}": it is a ${kind} link to "${link.target}", which ${why}; keep symbolic links (--symlinks keep), or leave it out`,
  );
}

/** Collects files by path and writes the tree that holds them all. */
export class Overlay {
  readonly #root = new Folder();
  #last: { directory: string; folder: Folder } | undefined;

  /** How many entries links have added. */
  #copied = 0;

  get isEmpty(): boolean {
    return this.#root.isEmpty;
  }

  /** Adds a file; the last one at a path stays. Rejects with `invalid` where a file and a directory collide. */
  add(path: string, file: OverlayFile): void {
    const slash = path.lastIndexOf('/');
    const directory = slash < 0 ? '' : path.slice(0, slash);
    const folder = this.#folder(directory);
    const name = path.slice(slash + 1);
    if (folder.get(name) instanceof Folder) {
      throw collision(path);
    }
    folder.set(name, file);
  }

  /**
   * Puts at the path of each link a copy of what it leads to in here, be it a file or a directory. Rejects with
   * `invalid` where it leads out of here, nowhere, or round in a circle.
   */
  copyLinks(links: readonly Link[]): void {
    const byPath = new Map(links.map((link) => [link.path, link]));
    const done = new Set<string>();
    const copy = (link: Link, above: ReadonlySet<string>): void => {
      if (done.has(link.path)) {
        return;
      }
      if (above.has(link.path)) {
        throw badLink(link, 'leads round in a circle');
      }
      const way = new Set([...above, link.path]);
      const names: string[] = [];
      const start = link.isHard ? '' : link.path.split('/').slice(0, -1).join('/');
      for (const name of `${start}/${link.target}`.split('/')) {
        if (name === '..') {
          if (names.pop() === undefined) {
            throw badLink(link, 'leads out of what was sent');
          }
        } else if (name !== '' && name !== '.') {
          names.push(name);
          const through = byPath.get(names.join('/'));
          if (through) {
            copy(through, way);
          }
        }
      }
      if (!link.isHard && link.target.startsWith('/')) {
        throw badLink(link, 'leads out of what was sent');
      }
      const path = names.join('/');
      if (path === '' || link.path.startsWith(`${path}/`)) {
        throw badLink(link, 'leads to a directory that it is in itself');
      }
      if (this.#find(names) instanceof Folder) {
        // Links in the directory that is copied come along as what they lead to.
        for (const other of links) {
          if (other.path.startsWith(`${path}/`)) {
            copy(other, way);
          }
        }
      }
      const found = this.#find(names);
      if (found === undefined) {
        throw badLink(link, 'leads nowhere');
      }
      this.#put(link.path, found);
      if (this.#copied > MAX_COPIED) {
        throw badLink(link, `with others makes more than ${MAX_COPIED} copies`);
      }
      done.add(link.path);
    };
    for (const link of links) {
      copy(link, new Set());
    }
  }

  #find(names: readonly string[]): Folder | OverlayFile | undefined {
    let found: Folder | OverlayFile | undefined = this.#root;
    for (const name of names) {
      found = found instanceof Folder ? found.get(name) : undefined;
    }
    return found;
  }

  #put(path: string, item: Folder | OverlayFile): void {
    this.#copied += 1;
    if (!(item instanceof Folder)) {
      this.add(path, item);
      return;
    }
    for (const [name, below] of this.#copied > MAX_COPIED ? [] : item.items()) {
      this.#put(`${path}/${name}`, below);
    }
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
        const made = new Folder();
        folder.set(name, made);
        folder = made;
      } else if (below instanceof Folder) {
        folder = below;
      } else {
        throw collision(directory);
      }
    }
    this.#last?.folder.pack();
    this.#last = { directory, folder };
    return folder;
  }
}

async function writeFolder(session: GitSession, folder: Folder): Promise<string | null> {
  const entries: TreeEntry[] = [];
  const large = new Set<string>();
  for (const [name, item] of folder.items()) {
    if (item instanceof Folder) {
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
