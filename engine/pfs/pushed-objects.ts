// What Git pushes, on its way into a write session: commits byte for byte as they were made, directories and files as the
// store keeps them. Nothing is taken over that is neither in the push nor in the repo already.

import { EngineError } from '../base/errors.ts';
import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { encodePointer, type Pointer, parsePointer } from '../content/pointer.ts';
import { readCommitHeader } from '../git/commit-header.ts';
import type { IncomingPack } from '../git/incoming-pack.ts';
import { EMPTY_TREE } from '../git/object-id.ts';
import { checkSpecialContent, linkProblem, specialFile } from '../git/special-files.ts';
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
  /** What directories of the repo that were read here name: the repo has it. */
  readonly #seen = new Set<string>();

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
      await this.#takeOver(id, { kind: 'tree', path });
      return;
    }
    this.#done.add(id);
    const entries = decodeTree((await this.#pack.read(id)).content);
    const known = await Promise.all(bases.map((base) => this.#session.readTree(base)));
    for (const all of known) {
      for (const { id: child } of all) {
        this.#seen.add(child);
      }
    }
    for (const entry of entries) {
      const { name, mode } = entry;
      const inside = path === '' ? name : `${path}/${name}`;
      const same = known.flatMap((all) => all.filter((other) => other.name === name));
      // The very same entry was looked at when its commit came.
      if (same.some((other) => other.id === entry.id && other.mode === mode)) {
        continue;
      }
      if (mode === '40000') {
        const below = same.flatMap((other) => (other.mode === '40000' ? other.id : []));
        await this.#tree(entry.id, { bases: below, path: inside });
      } else {
        await this.#file(entry, inside);
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

  async #file(entry: TreeEntry, path: string): Promise<void> {
    const { id, name } = entry;
    if (this.#pack.kindOf(id) !== 'blob') {
      await this.#takeOver(id, { kind: 'blob', path });
      if (isLookedAt(entry)) {
        checkEntry(entry, { path, content: await this.#session.readBlob(id) });
      }
      return;
    }
    if (this.#done.has(id) && !isLookedAt(entry)) {
      return;
    }
    const { content } = await this.#pack.read(id);
    checkEntry(entry, { path, content });
    if (this.#done.has(id)) {
      return;
    }
    this.#done.add(id);
    const pointer = pointerIn(content);
    if (!pointer) {
      await this.#session.blob(content, { hidden: isOwnAttributes(name, content) });
      return;
    }
    if (!encodePointer(pointer).equals(content)) {
      throw refused(
        path,
        'it is a pointer of git-lfs with more than an id and a size; leave its extensions out',
      );
    }
    if (!(await this.#owned.hasFile(pointer))) {
      throw refused(path, 'its content was not sent; git lfs push --all sends it');
    }
    await this.#session.relyOnFile(pointer.sha256);
    await this.#session.blob(content, { logicalSize: pointer.size });
  }

  /** An id opens nothing that is in other repos alone. */
  async #takeOver(
    id: string,
    { kind, path }: { readonly kind: 'blob' | 'tree'; readonly path: string },
  ): Promise<void> {
    if (!this.#seen.has(id) && !(await this.#owned.hasObject(id))) {
      throw refused(path, `object ${id} was not sent, and the repo lacks it`);
    }
    const stat = await this.#session.stat(id);
    if (stat.kind !== kind) {
      throw refused(path, `object ${id} is a ${stat.kind} where a ${kind} must be`);
    }
    await this.#session.rely(id);
  }
}

/** Whether a file's name or mode says more than its content: then it is looked at wherever it came from. */
function isLookedAt({ name, mode }: TreeEntry): boolean {
  return mode === '120000' || specialFile(name) !== undefined;
}

function checkEntry(
  { name, mode }: TreeEntry,
  { path, content }: { readonly path: string; readonly content: Buffer },
): void {
  if (mode === '120000') {
    // What could be taken for a pointer is none either: that has line breaks.
    const problem = linkProblem(content);
    if (problem !== undefined) {
      throw refused(path, `it is a symbolic link whose target ${problem}`);
    }
  } else if (!pointerIn(content)) {
    checkSpecialContent(name, content);
  }
}

function pointerIn(content: Buffer): Pointer | undefined {
  return content.length < MAX_POINTER_BYTES ? parsePointer(content) : undefined;
}

function refused(path: string, why: string): EngineError {
  return new EngineError('invalid', `Cannot take "/${path}": ${why}`);
}
