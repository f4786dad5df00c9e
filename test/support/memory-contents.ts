// Contents in memory, for tests of workers: real Git ids, trees and pointers, no packs.

import { createHash } from 'node:crypto';
import { EngineError } from '../../engine/base/errors.ts';
import { MAX_BLOB_BYTES } from '../../engine/base/limits.ts';
import { encodePointer, parsePointer } from '../../engine/content/pointer.ts';
import { EMPTY_TREE, objectId } from '../../engine/git/object-id.ts';
import { decodeTree, encodeTree, type TreeEntry } from '../../engine/git/tree.ts';
import type { ContentWriter, FileContent, StoredFile } from '../../engine/jobs/contents.ts';
import { type Directory, readDirectory, writeDirectory } from '../../engine/pfs/directory.ts';

/** A file as tests write it: text, bytes, or either with the executable bit. */
export type TestFile = string | Buffer | { readonly executable: string | Buffer };

/** Contents that live as long as the object. Counts what is read and written. */
export class MemoryContents implements ContentWriter {
  readonly #objects = new Map<string, Buffer>();
  readonly #large = new Map<string, Buffer>();
  fileReads = 0;
  treeReads = 0;
  /** Set to hold back or spoil what `readFile` answers. */
  intercept: ((id: string, content: FileContent) => Promise<FileContent>) | undefined;

  async readBlob(id: string): Promise<Buffer> {
    return this.#get(id);
  }

  async readTree(id: string): Promise<readonly TreeEntry[]> {
    this.treeReads += 1;
    return id === EMPTY_TREE ? [] : decodeTree(this.#get(id));
  }

  async readCommit(id: string): Promise<never> {
    throw new EngineError('corrupt', `Cannot read commit "${id}": there are none`);
  }

  stat(id: string): { kind: 'blob'; size: number; files: number } {
    return { kind: 'blob', size: this.#get(id).length, files: 1 };
  }

  readDirectory(id: string): Promise<Directory> {
    return readDirectory(this, id);
  }

  async readFile(id: string): Promise<FileContent> {
    this.fileReads += 1;
    const bytes = this.#get(id);
    const pointer = parsePointer(bytes);
    const large = pointer && this.#large.get(pointer.sha256);
    const content: FileContent = large
      ? { kind: 'large', size: large.length, read: () => inParts(large) }
      : { kind: 'small', bytes };
    return this.intercept ? this.intercept(id, content) : content;
  }

  blob(bytes: Buffer): string {
    return this.#put('blob', bytes);
  }

  tree(entries: readonly TreeEntry[]): string {
    return this.#put('tree', encodeTree(entries));
  }

  writeFile(bytes: Buffer): StoredFile {
    if (bytes.length > MAX_BLOB_BYTES) {
      throw new Error('too large for a blob');
    }
    return { id: this.#put('blob', bytes), isLarge: false };
  }

  async writeLargeFile(source: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const parts: Uint8Array[] = [];
    for await (const part of source) {
      parts.push(part);
    }
    return this.large(Buffer.concat(parts));
  }

  writeTree(entries: readonly TreeEntry[]): string {
    return this.tree(entries);
  }

  writeDirectory(directory: Directory): Promise<string | null> {
    return writeDirectory(this, directory, { isRoot: false });
  }

  /** Stores bytes of any size as a large file. */
  large(bytes: Buffer): StoredFile {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#large.set(sha256, bytes);
    const id = this.#put('blob', encodePointer({ sha256, size: bytes.length }));
    return { id, isLarge: true };
  }

  /** Writes a commit's tree from paths and contents; returns its id. */
  async commit(files: Readonly<Record<string, TestFile>>): Promise<string> {
    const id = await this.#directory(Object.entries(files), true);
    if (id === null) {
      throw new Error('a commit of no files has no tree');
    }
    return id;
  }

  /** Lists every file below a tree as users see it: path to content, with a `*` after the path of an executable. */
  async dump(tree: string | null): Promise<Record<string, string>> {
    const files: Record<string, string> = {};
    await this.#dumpInto(files, tree, '');
    return files;
  }

  async #dumpInto(
    files: Record<string, string>,
    tree: string | null,
    prefix: string,
  ): Promise<void> {
    const { entries } = await readDirectory(this, tree);
    for (const { name, mode, id } of entries) {
      if (mode === '40000') {
        await this.#dumpInto(files, id, `${prefix}${name}/`);
        continue;
      }
      const bytes = this.#get(id);
      const pointer = parsePointer(bytes);
      const content = (pointer && this.#large.get(pointer.sha256)) ?? bytes;
      files[`${prefix}${name}${mode === '100755' ? '*' : ''}`] = content.toString();
    }
  }

  async #directory(
    files: readonly (readonly [string, TestFile])[],
    isRoot: boolean,
  ): Promise<string | null> {
    const below = new Map<string, (readonly [string, TestFile])[]>();
    const entries: TreeEntry[] = [];
    const large = new Set<string>();
    for (const [path, file] of files) {
      const slash = path.indexOf('/');
      if (slash >= 0) {
        const name = path.slice(0, slash);
        below.set(name, [...(below.get(name) ?? []), [path.slice(slash + 1), file]]);
        continue;
      }
      const isPlain = typeof file === 'string' || Buffer.isBuffer(file);
      const bytes = Buffer.from(isPlain ? file : file.executable);
      const stored = bytes.length > MAX_BLOB_BYTES ? this.large(bytes) : this.writeFile(bytes);
      entries.push({ name: path, mode: isPlain ? '100644' : '100755', id: stored.id });
      if (stored.isLarge) {
        large.add(path);
      }
    }
    for (const [name, rest] of below) {
      const id = await this.#directory(rest, false);
      if (id !== null) {
        entries.push({ name, mode: '40000', id });
      }
    }
    const sorted = decodeTree(encodeTree(entries));
    return writeDirectory(this, { entries: sorted, large }, { isRoot });
  }

  #get(id: string): Buffer {
    const bytes = this.#objects.get(id);
    if (!bytes) {
      throw new EngineError('corrupt', `Cannot read object "${id}": it is not there`);
    }
    return bytes;
  }

  #put(kind: 'blob' | 'tree', bytes: Buffer): string {
    const id = objectId(kind, bytes);
    this.#objects.set(id, Buffer.from(bytes));
    return id;
  }
}

async function* inParts(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 300_000) {
    yield bytes.subarray(at, at + 300_000);
  }
}
