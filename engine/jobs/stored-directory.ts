// Directories on their way into the store: entry by entry, or as an input shows them, whose content is there already.

import { compareEntries, type TreeEntry, type TreeMode } from '../git/tree.ts';
import type { ContentWriter } from './contents.ts';
import { childrenOf, type Shown } from './shown-tree.ts';

/** A file or directory as an entry of the tree above it, but for its name. */
export interface Stored {
  readonly mode: TreeMode;
  readonly id: string;
  readonly isLarge: boolean;
}

/** A directory that is being gathered. */
export class DirectoryDraft {
  readonly #entries: TreeEntry[] = [];
  readonly #large = new Set<string>();

  /** Adds an entry; nothing where undefined. */
  add(name: string, stored: Stored | undefined): void {
    if (stored) {
      this.#entries.push({ name, mode: stored.mode, id: stored.id });
      if (stored.isLarge) {
        this.#large.add(name);
      }
    }
  }

  /** Stores it; undefined where it holds nothing. */
  async store(writer: ContentWriter): Promise<Stored | undefined> {
    return await storeDirectory(writer, { entries: this.#entries, large: this.#large });
  }
}

/** Stores what an input shows by the ids it has: no content moves. */
export async function storeShown(writer: ContentWriter, shown: Shown): Promise<Stored | undefined> {
  if (shown.kind === 'file') {
    const isLarge = shown.isLarge ?? (await writer.readFile(shown.id)).kind === 'large';
    return { mode: shown.executable ? '100755' : '100644', id: shown.id, isLarge };
  }
  if (shown.kind === 'tree') {
    // Written again rather than named, since the root of a repo holds attributes that only a root has.
    return await storeDirectory(writer, await writer.readDirectory(shown.id));
  }
  const draft = new DirectoryDraft();
  for (const [name, child] of await childrenOf(shown, writer)) {
    draft.add(name, await storeShown(writer, child));
  }
  return await draft.store(writer);
}

async function storeDirectory(
  writer: ContentWriter,
  directory: { readonly entries: readonly TreeEntry[]; readonly large: ReadonlySet<string> },
): Promise<Stored | undefined> {
  const entries = [...directory.entries].sort(compareEntries);
  const id = await writer.writeDirectory({ ...directory, entries });
  return id === null ? undefined : { mode: '40000', id, isLarge: false };
}
