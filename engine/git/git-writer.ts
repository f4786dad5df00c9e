// A write session of Git objects: what it is given is stored once, in as few packs as fit, unless a live pack
// has it already. It moves no branch and deletes nothing.

import { EngineError } from '../base/errors.ts';
import type { NewPack, ObjectStat } from '../object/pack-ref.ts';
import type { PackSet } from '../object/pack-set.ts';
import type { PackUploader } from '../object/pack-uploader.ts';
import { PackWriter } from '../object/pack-writer.ts';
import type { NamedBlob } from './blob-batch.ts';
import { type Commit, encodeCommit, parseCommit, replaceParents } from './commit.ts';
import type { GitObjects, GitStat } from './git-objects.ts';
import { GitReader, toGitStat } from './git-reader.ts';
import { EMPTY_TREE, type GitKind, objectId } from './object-id.ts';
import {
  compressIfPaying,
  decodeEntry,
  deflatedEntryBytes,
  GIT_PACK,
  storedEntryBytes,
  writeDeflatedEntry,
  writeStoredEntry,
} from './pack-format.ts';
import { PackedTree } from './packed-tree.ts';
import { decodeTree, encodeTree, type TreeEntry } from './tree.ts';
import { diffEntries, type EditedTree, editTree, type TreeChanges } from './tree-edit.ts';

export interface GitWriterOptions {
  readonly uploader: PackUploader;
  /** Reads the live packs; one with its own cache is made where none is given. */
  readonly reader?: GitReader;
  /** A pack is sealed when it would grow beyond this; 32 MiB where not named. */
  readonly targetBytes?: number;
}

export interface BlobOptions {
  /** What the blob counts for in sizes: of an LFS pointer the large file's size. Its own length where not named. */
  readonly logicalSize?: number;
  /** The blob counts for nothing: a file of ours that users don't see. */
  readonly hidden?: boolean;
}

/** What a finished session brought, for its transaction to name. */
export interface GitWritten {
  readonly packs: NewPack[];
  /** Live packs that hold objects the session was given and did not store again. */
  readonly relied: string[];
}

/** Directories of fewer entries are quicker written anew. */
const MIN_EDITED_ENTRIES = 256;

/**
 * A session. Writing answers at once where it can and with a promise where it must wait: for memory, or for an
 * index to be fetched. Content handed in must not be changed until the answer is there.
 */
export class GitWriter implements GitObjects {
  readonly #live: PackSet;
  readonly #reader: GitReader;
  readonly #own: PackWriter;
  readonly #relied = new Set<string>();

  constructor(live: PackSet, options: GitWriterOptions) {
    const { uploader, targetBytes } = options;
    this.#live = live;
    this.#reader = options.reader ?? new GitReader(live);
    this.#own = new PackWriter({
      container: GIT_PACK,
      uploader,
      cache: live.cache,
      ...(targetBytes === undefined ? {} : { targetBytes }),
    });
  }

  /** Stores a file's content, of at most a few MiB; returns its id. */
  blob(content: Uint8Array, options: BlobOptions = {}): string | Promise<string> {
    const stat: ObjectStat = options.hidden
      ? { kind: 'blob', size: 0, files: 0 }
      : { kind: 'blob', size: options.logicalSize ?? content.length, files: 1 };
    return this.#store('blob', content, stat);
  }

  /** Stores the contents of a batch as files. Its memory may be released once this resolves. */
  async blobs(named: readonly NamedBlob[]): Promise<void> {
    await this.#live.load('git');
    for (const { id, content, adler } of named) {
      if (this.#isStored(id)) {
        continue;
      }
      const stat: ObjectStat = { kind: 'blob', size: content.length, files: 1 };
      const compressing = compressIfPaying(content);
      const stored = storedEntryBytes(content.length);
      const waiting = compressing ? undefined : this.#own.room(stored);
      if (compressing || waiting) {
        await this.#storeLater(id, { kind: 'blob', content, stat, compressing, waiting });
      } else {
        writeStoredEntry(this.#own.add(id, stat, stored), 'blob', content, adler);
      }
    }
  }

  /**
   * Stores a directory of entries in any order, all of which must be stored already; returns its id. Where it is
   * a changed copy of the tree `base`, naming that makes it cost what changed.
   */
  async tree(
    entries: readonly TreeEntry[],
    options: { readonly base?: string | null } = {},
  ): Promise<string> {
    const edited = options.base ? await this.#treeFrom(options.base, entries) : undefined;
    if (edited !== undefined) {
      return edited;
    }
    const content = encodeTree(entries);
    if (content.length === 0) {
      // Git knows the empty tree without being told, but a strict check wants it stored.
      return this.#store('tree', content, { kind: 'tree', size: 0, files: 0 });
    }
    let size = 0;
    let files = 0;
    for (const entry of entries) {
      const known = this.#childStat(entry);
      const stat = known instanceof Promise ? await known : known;
      size += stat.size;
      files += stat.files;
    }
    return this.#store('tree', content, { kind: 'tree', size, files });
  }

  /**
   * Stores a changed copy of a directory; returns its id. Costs what reading and writing its bytes costs, whatever
   * the number of its entries. The entries put in must be stored already.
   */
  async editTree(base: string, changes: TreeChanges): Promise<string> {
    return this.#storeEdited(base, changes, await this.#edit(base, changes));
  }

  /**
   * Names the live packs of an object and of all below it among those that the session relies on: for what is
   * taken over from another repo, or from a commit that may vanish.
   */
  async rely(id: string): Promise<void> {
    const done = new Set<string>();
    const todo = [id];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const { kind } = await this.stat(next);
      await this.#live.load('git');
      this.#isStored(next);
      if (kind === 'tree' && !done.has(next)) {
        done.add(next);
        for (const entry of await this.readTree(next)) {
          todo.push(entry.id);
        }
      }
    }
  }

  /** Stores a commit; returns its id. */
  async commit(commit: Commit): Promise<string> {
    const content = encodeCommit(commit);
    return this.#store('commit', content, { kind: 'commit', size: content.length, files: 0 });
  }

  /** Stores a commit that somebody else wrote, byte for byte; returns its id. */
  rawCommit(content: Buffer): string | Promise<string> {
    return this.#store('commit', content, { kind: 'commit', size: content.length, files: 0 });
  }

  /** Stores a copy of a commit with other parents; returns its id, which is the same where the parents are. */
  async reparent(id: string, parents: readonly string[]): Promise<string> {
    const old = (await this.#readOwn(id, 'commit')) ?? (await this.#reader.readCommitBytes(id));
    const content = replaceParents(old, parents);
    return content.equals(old)
      ? id
      : this.#store('commit', content, { kind: 'commit', size: content.length, files: 0 });
  }

  /** The live packs that the session leans on so far. */
  get relied(): ReadonlySet<string> {
    return this.#relied;
  }

  /** Takes over all that another session collected; that one is over. So many small writes become one pack. */
  absorb(other: GitWriter): void {
    this.#own.absorb(other.#own);
    for (const id of other.#relied) {
      this.#relied.add(id);
    }
  }

  /** Resolves when everything stored is durable. The session is over. */
  async finish(): Promise<GitWritten> {
    return { packs: await this.#own.finish(), relied: [...this.#relied] };
  }

  /** Gives the session up and frees its memory. */
  discard(): void {
    this.#own.discard();
  }

  async readBlob(id: string): Promise<Buffer> {
    return (await this.#readOwn(id, 'blob')) ?? this.#reader.readBlob(id);
  }

  async readTree(id: string): Promise<readonly TreeEntry[]> {
    const own = await this.#readOwn(id, 'tree');
    return own ? decodeTree(own) : this.#reader.readTree(id);
  }

  async readPackedTree(id: string): Promise<PackedTree> {
    const own = await this.#readOwn(id, 'tree');
    return own ? new PackedTree(own) : this.#reader.readPackedTree(id);
  }

  async readCommit(id: string): Promise<Commit> {
    const own = await this.#readOwn(id, 'commit');
    return own ? parseCommit(own, id) : this.#reader.readCommit(id);
  }

  stat(id: string): GitStat | Promise<GitStat> {
    const own = this.#own.stat(id);
    return own ? toGitStat(id, own) : this.#reader.stat(id);
  }

  /** Stores a directory as an edit of another; undefined when that would not pay or not be the same. */
  async #treeFrom(base: string, entries: readonly TreeEntry[]): Promise<string | undefined> {
    if (entries.length < MIN_EDITED_ENTRIES) {
      return undefined;
    }
    const changes = diffEntries(await this.readTree(base), entries);
    if (!changes || changes.size > entries.length / 4) {
      return undefined;
    }
    const edited = await this.#edit(base, changes);
    // A name that stands for a file and for a directory is one change but two entries.
    if (edited.count !== entries.length) {
      return undefined;
    }
    const id = await this.#storeEdited(base, changes, edited);
    this.#reader.keepTree(id, [...entries]);
    return id;
  }

  async #edit(base: string, changes: TreeChanges): Promise<EditedTree> {
    const content = (await this.#readOwn(base, 'tree')) ?? (await this.#reader.readTreeBytes(base));
    return editTree(content, changes);
  }

  async #storeEdited(base: string, changes: TreeChanges, edited: EditedTree): Promise<string> {
    let { size, files } = await this.stat(base);
    for (const id of edited.removed) {
      const stat = await this.stat(id);
      size -= stat.size;
      files -= stat.files;
    }
    for (const [name, change] of changes) {
      if (change) {
        const stat = await this.#childStat({ name, mode: change.mode, id: change.id });
        size += stat.size;
        files += stat.files;
      }
    }
    return this.#store('tree', edited.content, { kind: 'tree', size, files });
  }

  /** What an entry counts for; it must be stored, and be what its mode says. */
  #childStat(entry: TreeEntry): GitStat | Promise<GitStat> {
    const { id, name, mode } = entry;
    const own = this.#own.stat(id);
    const found = own ? undefined : this.#live.find(id);
    if (found instanceof Promise) {
      return found.then(() => this.#childStat(entry));
    }
    if (found) {
      this.#relied.add(found.pack.id);
    } else if (!own && id === EMPTY_TREE) {
      return this.tree([]).then(() => this.#childStat(entry));
    }
    const stat = toGitStat(id, own ?? found?.entry);
    if (stat.kind !== (mode === '40000' ? 'tree' : 'blob')) {
      throw new EngineError('internal', `Cannot store a directory: "${name}" is a ${stat.kind}`);
    }
    return stat;
  }

  #store(kind: GitKind, content: Uint8Array, stat: ObjectStat): string | Promise<string> {
    const id = objectId(kind, content);
    const loading = this.#isStored(id) ? undefined : this.#live.load('git');
    if (loading) {
      return loading.then(() => this.#store(kind, content, stat));
    }
    if (this.#isStored(id)) {
      return id;
    }
    // Trees are half random bytes, and edited often: they stay as they are.
    const compressing = kind === 'blob' ? compressIfPaying(content) : undefined;
    const stored = storedEntryBytes(content.length);
    const waiting = compressing ? undefined : this.#own.room(stored);
    if (compressing || waiting) {
      return this.#storeLater(id, { kind, content, stat, compressing, waiting });
    }
    writeStoredEntry(this.#own.add(id, stat, stored), kind, content);
    return id;
  }

  async #storeLater(
    id: string,
    object: {
      kind: GitKind;
      content: Uint8Array;
      stat: ObjectStat;
      compressing: Promise<Buffer> | undefined;
      waiting: Promise<void> | undefined;
    },
  ): Promise<string> {
    const { kind, content, stat, compressing, waiting } = object;
    const size = content.length;
    await waiting;
    const deflated = await compressing;
    const stored = deflated ? deflatedEntryBytes(size, deflated) : storedEntryBytes(size);
    for (let wait = this.#own.room(stored); wait; wait = this.#own.room(stored)) {
      await wait;
    }
    // The same content may have been stored by another caller meanwhile.
    if (!this.#isStored(id)) {
      const target = this.#own.add(id, stat, stored);
      if (deflated) {
        writeDeflatedEntry(target, { kind, size, deflated });
      } else {
        writeStoredEntry(target, kind, content);
      }
    }
    return id;
  }

  #isStored(id: string): boolean {
    if (this.#own.stat(id)) {
      return true;
    }
    const live = this.#live.findLoaded(id);
    if (live) {
      this.#relied.add(live.pack.id);
    }
    return live !== undefined;
  }

  async #readOwn(id: string, kind: GitKind): Promise<Buffer | undefined> {
    const entry = await this.#own.read(id);
    if (!entry) {
      return undefined;
    }
    const decoded = await decodeEntry(entry);
    if (decoded.kind !== kind || objectId(kind, decoded.content) !== id) {
      throw new EngineError('corrupt', `Cannot read ${kind} "${id}": it is damaged or not one`);
    }
    return decoded.content;
  }
}
