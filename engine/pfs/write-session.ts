// One write: the Git objects and chunks it brings, sent as packs, and what its transaction must name.

import { MAX_BLOB_BYTES } from '../base/limits.ts';
import type { ChunkWriter } from '../content/chunk-writer.ts';
import { LargeFileReader, LargeFileWriter, type ReadRange } from '../content/large-file.ts';
import { encodePointer, mustBeLarge, parsePointer } from '../content/pointer.ts';
import type { NamedBlob } from '../git/blob-batch.ts';
import type { Commit } from '../git/commit.ts';
import type { GitStat } from '../git/git-objects.ts';
import type { BlobOptions, GitWriter } from '../git/git-writer.ts';
import type { PackedTree } from '../git/packed-tree.ts';
import type { TreeEntry } from '../git/tree.ts';
import type { AddedPack } from '../journal/operations.ts';
import { type GitSession, isPointer, readDirectory } from './directory.ts';
import { readFileBytes } from './file-content.ts';

/** What a finished session brought, in the words of the `packs.added` operation. */
export interface SessionPacks {
  readonly added: readonly AddedPack[];
  readonly relied: readonly string[];
}

/** A file that was stored: its blob, and whether that is the pointer of a large one. */
export interface StoredFile {
  readonly id: string;
  readonly isLarge: boolean;
}

/** Writes files, trees and commits, which can be read through it before they are durable. */
export class WriteSession implements GitSession {
  readonly #git: GitWriter;
  readonly #chunks: ChunkWriter;
  readonly #largeFiles: LargeFileReader;

  constructor(git: GitWriter, chunks: ChunkWriter) {
    this.#git = git;
    this.#chunks = chunks;
    this.#largeFiles = new LargeFileReader(chunks);
  }

  blob(bytes: Buffer, options: BlobOptions = {}): string | Promise<string> {
    return this.#git.blob(bytes, options);
  }

  tree(
    entries: readonly TreeEntry[],
    options: { readonly base?: string | null } = {},
  ): Promise<string> {
    return this.#git.tree(entries, options);
  }

  commit(commit: Commit): Promise<string> {
    return this.#git.commit(commit);
  }

  /** Stores a commit that somebody else wrote, byte for byte; returns its id. */
  rawCommit(content: Buffer): string | Promise<string> {
    return this.#git.rawCommit(content);
  }

  /** Stores a copy of a commit with other parents; returns its id, which is the same where the parents are. */
  reparent(id: string, parents: readonly string[]): Promise<string> {
    return this.#git.reparent(id, parents);
  }

  readBlob(id: string): Promise<Buffer> {
    return this.#git.readBlob(id);
  }

  readTree(id: string): Promise<readonly TreeEntry[]> {
    return this.#git.readTree(id);
  }

  readPackedTree(id: string): Promise<PackedTree> {
    return this.#git.readPackedTree(id);
  }

  readCommit(id: string): Promise<Commit> {
    return this.#git.readCommit(id);
  }

  stat(id: string): GitStat | Promise<GitStat> {
    return this.#git.stat(id);
  }

  /** Yields the bytes of a file by its blob's id, large or not. */
  readFile(id: string, range?: ReadRange): AsyncIterable<Buffer> {
    return readFileBytes(this.#git, this.#largeFiles, { id, ...range });
  }

  /** Stores a whole file of at most `MAX_BLOB_BYTES`. The bytes must stay as they are until the answer is there. */
  smallFile(bytes: Buffer): StoredFile | Promise<StoredFile> {
    if (mustBeLarge(bytes)) {
      return this.#storeLarge(bytes);
    }
    const id = this.#git.blob(bytes);
    return typeof id === 'string'
      ? { id, isLarge: false }
      : id.then((stored) => ({ id: stored, isLarge: false }));
  }

  /** Stores the files of a batch, none of which {@link mustBeLarge}. */
  smallFiles(named: readonly NamedBlob[]): Promise<void> {
    return this.#git.blobs(named);
  }

  /** Starts a file that is stored as a large one whatever its size; {@link storePointer} stores what stands for it. */
  newLargeFile(): LargeFileWriter {
    return new LargeFileWriter(this.#chunks);
  }

  /** Notes that the write leans on the chunks of a large file; `corrupt` where they are not there. */
  async relyOnFile(sha256: string): Promise<void> {
    await this.#chunks.rely(sha256);
  }

  /** Starts a file of any size, to be written piece by piece. */
  newFile(): FileWriter {
    return new FileWriter(this, this.#chunks);
  }

  /**
   * Notes that the write leans on what live packs have: the transaction will name the packs of the object, of all below
   * it, and of the large files among them. For what is taken over from another repo.
   */
  async rely(id: string): Promise<void> {
    await this.#git.rely(id);
    const { kind } = await this.#git.stat(id);
    if (kind === 'tree') {
      await this.#relyOnLarge(id);
    } else if (kind === 'blob' && (await isPointer(this, id))) {
      await this.#relyOnChunks(id);
    }
  }

  /** The live packs that the write leans on so far. */
  get relied(): string[] {
    return [...this.#git.relied, ...this.#chunks.relied];
  }

  /** Takes over all that another session collected, so that both become one write. The other one is over. */
  absorb(other: WriteSession): void {
    this.#git.absorb(other.#git);
    this.#chunks.absorb(other.#chunks);
  }

  /** Resolves when all of it is durable, with what the transaction must name. The session is over. */
  async finish(): Promise<SessionPacks> {
    const [git, chunks] = await Promise.all([this.#git.finish(), this.#chunks.finish()]);
    const added = [...git.packs, ...chunks.packs].map(({ id, kind, bytes, objects }) => ({
      id,
      kind,
      bytes,
      objects,
    }));
    return { added, relied: [...git.relied, ...chunks.relied] };
  }

  /** Gives the session up. What was sent stays in the store for the collector. */
  discard(): void {
    this.#git.discard();
    this.#chunks.discard();
  }

  async #relyOnLarge(tree: string): Promise<void> {
    const done = new Set<string>();
    const todo = [tree];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const { entries, large } = await readDirectory(this, next);
      for (const { name, mode, id } of entries) {
        if (large.has(name)) {
          await this.#relyOnChunks(id);
        } else if (mode === '40000' && !done.has(id)) {
          done.add(id);
          todo.push(id);
        }
      }
    }
  }

  async #relyOnChunks(pointer: string): Promise<void> {
    const parsed = parsePointer(await this.readBlob(pointer));
    if (parsed) {
      await this.relyOnFile(parsed.sha256);
    }
  }

  async #storeLarge(bytes: Buffer): Promise<StoredFile> {
    const file = this.newLargeFile();
    await file.write(bytes);
    return await this.storePointer(await file.finish());
  }

  /** Stores the pointer of a large file whose chunks the session, or a live pack, has. */
  async storePointer(pointer: { sha256: string; size: number }): Promise<StoredFile> {
    const id = await this.#git.blob(encodePointer(pointer), { logicalSize: pointer.size });
    return { id, isLarge: true };
  }
}

/** One file being written: a blob while it is small, chunks once it has grown. */
export class FileWriter {
  readonly #session: WriteSession;
  readonly #chunks: ChunkWriter;
  #parts: Buffer[] = [];
  #size = 0;
  #large: LargeFileWriter | undefined;

  constructor(session: WriteSession, chunks: ChunkWriter) {
    this.#session = session;
    this.#chunks = chunks;
  }

  /** Takes the next bytes; they are copied where they are kept. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    if (this.#large) {
      await this.#large.write(bytes);
      return;
    }
    this.#parts.push(Buffer.from(bytes));
    if (this.#size > MAX_BLOB_BYTES) {
      this.#large = new LargeFileWriter(this.#chunks);
      const parts = this.#parts;
      this.#parts = [];
      for (const part of parts) {
        await this.#large.write(part);
      }
    }
  }

  /** Ends the file. */
  async finish(): Promise<StoredFile> {
    if (this.#large) {
      return await this.#session.storePointer(await this.#large.finish());
    }
    return await this.#session.smallFile(Buffer.concat(this.#parts));
  }
}
