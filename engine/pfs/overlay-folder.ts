// One directory of an upload. As objects, a million files take half a gigabyte; packed as trees are, a tenth of that.

import { decodeTree, encodeTree, type TreeMode } from '../git/tree.ts';

/** A file's place in a tree: `isLarge` where the blob is an LFS pointer. */
export interface OverlayFile {
  readonly mode: TreeMode;
  readonly id: string;
  readonly isLarge: boolean;
}

type Items = Map<string, Folder | OverlayFile>;

/** Fewer files are not worth it. */
const PACK_FROM = 32;

/** Files and directories by their names. */
export class Folder {
  #items: Items | undefined = new Map();
  /** It was packed too soon: files that come in turns would have it packed and unpacked for each. */
  #isBusy = false;
  /** In place of the items, where all are files. */
  #packed: { readonly tree: Buffer; readonly large: ReadonlySet<string> } | undefined;

  get isEmpty(): boolean {
    return this.#items?.size === 0;
  }

  get(name: string): Folder | OverlayFile | undefined {
    return this.#unpacked().get(name);
  }

  set(name: string, item: Folder | OverlayFile): void {
    this.#unpacked().set(name, item);
  }

  /** Returns all that is in it, without unpacking it for good. */
  items(): Iterable<readonly [string, Folder | OverlayFile]> {
    return this.#items ?? this.#unpack();
  }

  /** Makes it small, until it is looked into: for when that is not to be expected soon. */
  pack(): void {
    if (this.#isBusy || this.#items === undefined || this.#items.size < PACK_FROM) {
      return;
    }
    const large = new Set<string>();
    const entries: { name: string; mode: TreeMode; id: string }[] = [];
    for (const [name, item] of this.#items) {
      if (item instanceof Folder) {
        return;
      }
      entries.push({ name, mode: item.mode, id: item.id });
      if (item.isLarge) {
        large.add(name);
      }
    }
    // A copy, since it is longer than it looks.
    this.#packed = { tree: Buffer.from(encodeTree(entries)), large };
    this.#items = undefined;
  }

  #unpacked(): Items {
    if (this.#items === undefined) {
      this.#items = this.#unpack();
      this.#packed = undefined;
      this.#isBusy = true;
    }
    return this.#items;
  }

  #unpack(): Items {
    const { tree, large } = this.#packed ?? { tree: Buffer.alloc(0), large: new Set<string>() };
    return new Map(
      decodeTree(tree).map(({ name, mode, id }) => [name, { mode, id, isLarge: large.has(name) }]),
    );
  }
}
