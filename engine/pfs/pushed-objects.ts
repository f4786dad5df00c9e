// What Git pushes, on its way into a write session: commits byte for byte as they were made, directories and files as the
// store keeps them. Nothing is taken over that is neither in the push nor in the repo already.

import { EngineError } from '../base/errors.ts';
import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { encodePointer, parsePointer } from '../content/pointer.ts';
import { readCommitHeader } from '../git/commit-header.ts';
import type { IncomingPack } from '../git/incoming-pack.ts';
import { EMPTY_TREE } from '../git/object-id.ts';
import { checkSpecialContent } from '../git/special-files.ts';
import { decodeTree, type TreeEntry } from '../git/tree.ts';
import { isOwnAttributes } from './attributes.ts';
import type { FinishedTree } from './git-commit.ts';
import type { WriteSession } from './write-session.ts';

export interface PushedCommit {
  readonly id: string;
  readonly content: Buffer;
  readonly tree: string;
  readonly parents: readonly string[];
}

/** What may be taken over although the push does not bring it. */
export interface Owned {
  /** Returns whether the repo has an object of this id. */
  hasObject(id: string): Promise<boolean>;
  /** Returns whether the repo has, or was sent before, the large file of that pointer. */
  hasFile(pointer: { readonly sha256: string; readonly size: number }): Promise<boolean>;
}

/** Stores pushed commits with all that they bring; parents come first. */
export class PushedObjects {
  readonly #pack: IncomingPack;
  readonly #session: WriteSession;
  readonly #owned: Owned;
  readonly #done = new Set<string>();

  constructor(pack: IncomingPack, session: WriteSession, owned: Owned) {
    this.#pack = pack;
    this.#session = session;
    this.#owned = owned;
  }

  /** Stores a commit. Rejects with `invalid` what the store, or a strict check by Git, would not take. */
  async commit(commit: PushedCommit): Promise<FinishedTree> {
    const bases: string[] = [];
    for (const parent of commit.parents) {
      bases.push(await this.#treeOf(parent));
    }
    await this.#tree(commit.tree, { bases, path: '' });
    const git = await this.#session.rawCommit(commit.content);
    if (commit.tree === EMPTY_TREE) {
      return { tree: null, git, size: 0, files: 0 };
    }
    const { size, files } = await this.#session.stat(commit.tree);
    return { tree: commit.tree, git, size, files };
  }

  async #treeOf(commit: string): Promise<string> {
    if (this.#pack.kindOf(commit) === 'commit') {
      return readCommitHeader((await this.#pack.read(commit)).content).tree;
    }
    return (await this.#session.readCommit(commit)).tree;
  }

  async #tree(
    id: string,
    { bases, path }: { readonly bases: readonly string[]; readonly path: string },
  ): Promise<void> {
    if (this.#done.has(id) || bases.includes(id)) {
      return;
    }
    if (this.#pack.kindOf(id) !== 'tree') {
      await this.#takeOver(id, path);
      return;
    }
    this.#done.add(id);
    const entries = decodeTree((await this.#pack.read(id)).content);
    const known = await Promise.all(bases.map((base) => this.#session.readTree(base)));
    const knownIds = new Set(known.flatMap((all) => all.map((entry) => entry.id)));
    for (const entry of entries) {
      const inside = path === '' ? entry.name : `${path}/${entry.name}`;
      if (knownIds.has(entry.id)) {
        continue;
      }
      if (entry.mode === '40000') {
        await this.#tree(entry.id, { bases: treesAt(known, entry.name), path: inside });
      } else if (this.#pack.kindOf(entry.id) === 'blob') {
        await this.#file(entry, inside);
      } else {
        await this.#takeOver(entry.id, inside);
      }
    }
    const stored = entries.length === 0 ? EMPTY_TREE : await this.#session.tree(entries);
    if (stored !== id) {
      throw new EngineError(
        'invalid',
        `Cannot take directory "/${path}": its entries are not in Git's order; git fsck says more`,
      );
    }
  }

  async #file({ name, mode, id }: TreeEntry, path: string): Promise<void> {
    if (this.#done.has(id)) {
      return;
    }
    this.#done.add(id);
    const { content } = await this.#pack.read(id);
    const pointer =
      content.length < MAX_POINTER_BYTES && mode !== '120000' ? parsePointer(content) : undefined;
    if (pointer) {
      if (!encodePointer(pointer).equals(content)) {
        throw new EngineError(
          'invalid',
          `Cannot take "/${path}": it is a pointer of git-lfs with more than an id and a size; leave its extensions out`,
        );
      }
      if (!(await this.#owned.hasFile(pointer))) {
        throw new EngineError(
          'invalid',
          `Cannot take "/${path}": its content was not sent; git lfs push --all sends it`,
        );
      }
      await this.#session.relyOnFile(pointer.sha256);
      await this.#session.blob(content, { logicalSize: pointer.size });
      return;
    }
    checkSpecialContent(name, content);
    await this.#session.blob(content, { hidden: isOwnAttributes(name, content) });
  }

  /** An id opens nothing that is in other repos alone. */
  async #takeOver(id: string, path: string): Promise<void> {
    if (!(await this.#owned.hasObject(id))) {
      throw new EngineError(
        'invalid',
        `Cannot take "/${path}": object ${id} was not sent, and the repo lacks it`,
      );
    }
    await this.#session.rely(id);
  }
}

function treesAt(known: readonly (readonly TreeEntry[])[], name: string): string[] {
  return known.flatMap((entries) =>
    entries.filter((entry) => entry.name === name && entry.mode === '40000').map(({ id }) => id),
  );
}
