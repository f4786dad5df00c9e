// Checks that all that commits are made of is there: their Git commits, trees and files, and the chunks of large ones.

import { isEngineError } from '../base/errors.ts';
import { ChunkReader, chunksOf } from '../content/chunk-reader.ts';
import { parsePointer } from '../content/pointer.ts';
import { GitReader } from '../git/git-reader.ts';
import { EMPTY_TREE } from '../git/object-id.ts';
import type { CommitRecord } from '../journal/records.ts';
import { packKey } from '../object/keys.ts';
import type { PackSet } from '../object/pack-set.ts';
import { readDirectory } from '../pfs/directory.ts';
import { IdSet } from '../pfs/id-set.ts';
import type { AffectedPath } from './finding.ts';

/** So many paths are told one by one. */
const MAX_PATHS = 200;
const TREE = '40000';

/** What is wrong with an object, by its id. */
export type Wrong = Map<string, string>;

/** What a tree holds that is wrong: the paths below it. */
type WrongPaths = readonly string[];

/**
 * Walks trees, each once, and remembers those with something wrong below them. `known` are objects that were found wrong
 * before; what the walk finds is added.
 */
export class ObjectCheck {
  readonly wrong: Wrong;
  readonly #packs: PackSet;
  readonly #objects: GitReader;
  readonly #chunks: ChunkReader;
  readonly #fine = new IdSet();
  readonly #broken = new Map<string, WrongPaths>();
  readonly #paths = new Map<
    string,
    { readonly path: AffectedPath; count: number; newest: string }
  >();
  #omitted = 0;
  trees = 0;

  constructor(packs: PackSet, known: Wrong) {
    this.wrong = known;
    this.#packs = packs;
    this.#objects = new GitReader(packs);
    this.#chunks = new ChunkReader(packs);
  }

  /** Checks a commit's objects and notes what of it is affected. */
  async commit(commit: CommitRecord): Promise<void> {
    const { git, tree, edits } = commit;
    const paths: string[] = [];
    if (git !== null && (await this.#problem(git, 'commit')) !== undefined) {
      paths.push('');
    }
    for (const id of [tree, ...edits.map((edit) => ('tree' in edit ? edit.tree : null))]) {
      paths.push(...(id === null ? [] : await this.tree(id)));
    }
    for (const edit of edits) {
      if ('entry' in edit) {
        const { mode, id } = edit.entry;
        const isBroken =
          mode === TREE ? (await this.tree(id)).length > 0 : await this.#blob(id, true);
        paths.push(...(isBroken ? [edit.path] : []));
      }
    }
    this.#note(commit, paths);
  }

  /** Returns the paths below a tree that can't be read whole. */
  async tree(id: string): Promise<WrongPaths> {
    if (id === EMPTY_TREE || this.#fine.hasHex(id)) {
      return [];
    }
    const before = this.#broken.get(id);
    if (before) {
      return before;
    }
    this.trees += 1;
    const paths = await this.#walk(id);
    if (paths.length === 0) {
      this.#fine.addHex(id);
    } else {
      this.#broken.set(id, paths);
    }
    return paths;
  }

  /** What the commits that were checked have lost, and how many more paths than are listed. */
  affected(): { readonly affected: AffectedPath[]; readonly omitted: number } {
    const affected = [...this.#paths.values()].map(({ path, count, newest }) => ({
      ...path,
      commits: count,
      newest,
    }));
    return { affected, omitted: this.#omitted };
  }

  async #walk(id: string): Promise<string[]> {
    if ((await this.#problem(id, 'tree')) !== undefined) {
      return [''];
    }
    const paths: string[] = [];
    let large: ReadonlySet<string>;
    try {
      ({ large } = await readDirectory(this.#objects, id));
    } catch (error) {
      this.#demandCorrupt(error);
      // Our attributes are gone, or one of the files that would have to tell what they are.
      large = new Set();
    }
    for (const { name, mode, id: child } of await this.#objects.readTree(id)) {
      if (mode === TREE) {
        const below = await this.tree(child);
        paths.push(...below.map((path) => (path === '' ? name : `${name}/${path}`)));
      } else if (await this.#blob(child, large.has(name))) {
        paths.push(name);
      }
    }
    return paths.slice(0, MAX_PATHS);
  }

  /** Returns whether a file can't be read whole. */
  async #blob(id: string, isLarge: boolean): Promise<boolean> {
    if ((await this.#problem(id, 'blob')) !== undefined) {
      return true;
    }
    if (!isLarge) {
      return false;
    }
    try {
      const pointer = parsePointer(await this.#objects.readBlob(id));
      return pointer !== undefined && (await this.#isFileBroken(pointer));
    } catch (error) {
      this.#demandCorrupt(error);
      this.wrong.set(id, (error as Error).message);
      return true;
    }
  }

  async #isFileBroken(pointer: {
    readonly sha256: string;
    readonly size: number;
  }): Promise<boolean> {
    const { sha256, size } = pointer;
    if (this.wrong.has(sha256)) {
      return true;
    }
    if ((await this.#packs.find(sha256)) === undefined) {
      this.wrong.set(sha256, `The large file "${sha256}" is in no live pack`);
      return true;
    }
    let isBroken = false;
    let total = 0;
    for (const { id, bytes } of await chunksOf(this.#chunks, sha256)) {
      total += bytes;
      const stat = await this.#chunks.statChunk(id);
      if (stat === undefined || stat.size !== bytes) {
        this.wrong.set(id, `Chunk "${id}" of the large file "${sha256}" is in no live pack`);
      }
      isBroken ||= this.wrong.has(id);
    }
    if (total !== size) {
      this.wrong.set(
        sha256,
        `The chunks of the large file "${sha256}" are ${total} bytes instead of ${size}`,
      );
      isBroken = true;
    }
    return isBroken;
  }

  /** Returns what is wrong with an object as far as it can be told from its index, and of trees and commits their bytes. */
  async #problem(id: string, kind: 'commit' | 'tree' | 'blob'): Promise<string | undefined> {
    const before = this.wrong.get(id);
    if (before !== undefined) {
      return before;
    }
    const hit = await this.#packs.find(id);
    if (hit === undefined) {
      this.wrong.set(id, `Object "${id}" (a ${kind}) is in no live pack`);
    } else if (hit.entry.kind !== kind) {
      this.wrong.set(id, `Object "${id}" is a ${hit.entry.kind} instead of a ${kind}`);
    } else if (kind !== 'blob') {
      try {
        await (kind === 'tree' ? this.#objects.readTree(id) : this.#objects.readCommit(id));
      } catch (error) {
        this.#demandCorrupt(error);
        this.wrong.set(
          id,
          `Object "${id}" (a ${kind}) in pack "${packKey(hit.pack.id)}" is damaged`,
        );
      }
    }
    return this.wrong.get(id);
  }

  #note(commit: CommitRecord, paths: readonly string[]): void {
    for (const path of new Set(paths)) {
      const key = `${commit.repo}\0${path}`;
      const known = this.#paths.get(key);
      if (known) {
        known.count += 1;
        if (commit.id > known.newest) {
          known.newest = commit.id;
        }
      } else if (this.#paths.size < MAX_PATHS) {
        const shown = { repo: commit.repo, path: `/${path}`, commits: 1, newest: commit.id };
        this.#paths.set(key, { path: shown, count: 1, newest: commit.id });
      } else {
        this.#omitted += 1;
      }
    }
  }

  #demandCorrupt(error: unknown): void {
    if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'invalid')) {
      throw error;
    }
  }
}
