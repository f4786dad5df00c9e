// Contents out of, and into, Git objects and the chunks of large files: what a worker inside the engine is given.

import { MAX_POINTER_BYTES } from '../base/limits.ts';

import type { ChunkSource, ChunkWriter } from '../content/chunk-writer.ts';
import { LargeFileReader, LargeFileWriter } from '../content/large-file.ts';
import { encodePointer, mustBeLarge, parsePointer } from '../content/pointer.ts';
import type { GitObjects } from '../git/git-objects.ts';
import type { GitWriter } from '../git/git-writer.ts';
import type { TreeEntry } from '../git/tree.ts';
import { type Directory, readDirectory, writeDirectory } from '../pfs/directory.ts';
import type { ContentReader, ContentWriter, FileContent, StoredFile } from './contents.ts';

/** Reads files and directories. */
export class GitContents implements ContentReader {
  readonly #objects: GitObjects;
  readonly #large: LargeFileReader;

  constructor(objects: GitObjects, chunks: ChunkSource) {
    this.#objects = objects;
    this.#large = new LargeFileReader(chunks);
  }

  readTree(id: string): Promise<readonly TreeEntry[]> {
    return this.#objects.readTree(id);
  }

  readDirectory(id: string): Promise<Directory> {
    return readDirectory(this.#objects, id);
  }

  async readFile(id: string): Promise<FileContent> {
    const bytes = await this.#objects.readBlob(id);
    const pointer = bytes.length <= MAX_POINTER_BYTES ? parsePointer(bytes) : undefined;
    if (!pointer) {
      return { kind: 'small', bytes };
    }
    return { kind: 'large', size: pointer.size, read: () => this.#large.read(pointer.sha256) };
  }
}

/** Writes files and directories into a pair of sessions, whose owner finishes them. */
export class GitContentsWriter extends GitContents implements ContentWriter {
  readonly #git: GitWriter;
  readonly #chunks: ChunkWriter;

  constructor(git: GitWriter, chunks: ChunkWriter) {
    super(git, chunks);
    this.#git = git;
    this.#chunks = chunks;
  }

  writeFile(bytes: Buffer): StoredFile | Promise<StoredFile> {
    if (bytes.length <= MAX_POINTER_BYTES && mustBeLarge(bytes)) {
      return this.writeLargeFile([bytes]);
    }
    const id = this.#git.blob(bytes);
    return typeof id === 'string' ? small(id) : id.then(small);
  }

  async writeLargeFile(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<StoredFile> {
    const file = new LargeFileWriter(this.#chunks);
    for await (const part of source) {
      await file.write(part);
    }
    const pointer = await file.finish();
    const id = await this.#git.blob(encodePointer(pointer), { logicalSize: pointer.size });
    return { id, isLarge: true };
  }

  writeTree(entries: readonly TreeEntry[]): Promise<string> {
    return this.#git.tree(entries);
  }

  writeDirectory(directory: Directory): Promise<string | null> {
    return writeDirectory(this.#git, directory, { isRoot: false });
  }
}

function small(id: string): StoredFile {
  return { id, isLarge: false };
}
