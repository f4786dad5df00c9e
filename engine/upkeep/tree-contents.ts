// The contents of trees that a rewrite looks at: once to find which are versions of one directory, and again when it writes
// them.

import type { PfsContext } from '../pfs/context.ts';
import type { TreeFamily } from './tree-families.ts';

/** Trees that were looked at are kept, up to so many bytes, for when they are written. */
const KEPT_BYTES = 32 * 1024 * 1024;

/** Contents of trees, each read when it is first asked for, and kept while there is room. */
export class TreeContents {
  readonly #context: PfsContext;
  readonly #kept = new Map<TreeFamily, Buffer>();
  #bytes = 0;

  constructor(context: PfsContext) {
    this.#context = context;
  }

  /** Returns the content of the whole tree of a family. */
  async of(family: TreeFamily): Promise<Buffer> {
    const kept = this.#kept.get(family);
    if (kept) {
      return kept;
    }
    const { pack, index, head } = family;
    const stored = await this.#context.packs.readHit({ pack, index, entry: index.entryAt(head) });
    const { content } = await this.#context.objects.resolve(stored);
    if (this.#bytes + content.length <= KEPT_BYTES) {
      this.#kept.set(family, content);
      this.#bytes += content.length;
    }
    return content;
  }
}
