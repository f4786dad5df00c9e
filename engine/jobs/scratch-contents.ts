// Contents that are written to be looked at, and go: files below a directory of this machine, names in memory. What is committed
// can be read beside them. Nothing reaches the store.

import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { IdMaker } from '../base/ids.ts';
import type { TreeEntry } from '../git/tree.ts';
import type { Directory } from '../pfs/directory.ts';
import type { ContentReader, ContentWriter, FileContent, StoredFile } from './contents.ts';

const ID_DIGITS = 40;

/** One file that was written. */
export interface ScratchFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly executable: boolean;
  readonly size: number;
  readonly read: () => AsyncIterable<Uint8Array>;
}

/** Where what a command wrote is put when it is not to be recorded. */
export class ScratchContents implements ContentWriter {
  readonly #directory: string;
  readonly #committed: ContentReader;
  readonly #ids: Pick<IdMaker, 'next'>;
  /** Sizes of the files written here. */
  readonly #files = new Map<string, number>();
  readonly #trees = new Map<string, Directory>();

  private constructor(
    directory: string,
    options: { readonly committed: ContentReader; readonly ids: Pick<IdMaker, 'next'> },
  ) {
    this.#directory = directory;
    this.#committed = options.committed;
    this.#ids = options.ids;
  }

  /** `directory` is made; its owner removes it. */
  static async open(
    directory: string,
    options: { readonly committed: ContentReader; readonly ids: Pick<IdMaker, 'next'> },
  ): Promise<ScratchContents> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new ScratchContents(directory, options);
  }

  async writeFile(bytes: Buffer): Promise<StoredFile> {
    const id = this.#newId();
    await writeFile(this.#path(id), bytes);
    this.#files.set(id, bytes.length);
    return { id, isLarge: false };
  }

  async writeLargeFile(source: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const id = this.#newId();
    let size = 0;
    const counted = async function* () {
      for await (const chunk of source) {
        size += chunk.length;
        yield chunk;
      }
    };
    await pipeline(Readable.from(counted()), createWriteStream(this.#path(id)));
    this.#files.set(id, size);
    return { id, isLarge: false };
  }

  writeTree(entries: readonly TreeEntry[]): string {
    const id = this.#newId();
    this.#trees.set(id, { entries, large: new Set() });
    return id;
  }

  async writeDirectory(directory: Directory): Promise<string | null> {
    return directory.entries.length === 0 ? null : this.writeTree(directory.entries);
  }

  async readTree(id: string): Promise<readonly TreeEntry[]> {
    return this.#trees.get(id)?.entries ?? (await this.#committed.readTree(id));
  }

  async readDirectory(id: string): Promise<Directory> {
    return this.#trees.get(id) ?? (await this.#committed.readDirectory(id));
  }

  async readFile(id: string): Promise<FileContent> {
    const size = this.#files.get(id);
    return size === undefined
      ? await this.#committed.readFile(id)
      : { kind: 'large', size, read: () => createReadStream(this.#path(id)) };
  }

  /** Yields the files below a tree, in the order of their names. */
  async *files(tree: string | null, above = ''): AsyncGenerator<ScratchFile> {
    for (const { name, mode, id } of tree === null
      ? []
      : (await this.readDirectory(tree)).entries) {
      const path = above === '' ? name : `${above}/${name}`;
      if (mode === '40000') {
        yield* this.files(id, path);
        continue;
      }
      const content = await this.readFile(id);
      const isSmall = content.kind === 'small';
      yield {
        path,
        executable: mode === '100755',
        size: isSmall ? content.bytes.length : content.size,
        read: isSmall ? () => Readable.from([content.bytes]) : () => content.read(),
      };
    }
  }

  #newId(): string {
    return this.#ids.next().padEnd(ID_DIGITS, '0');
  }

  #path(id: string): string {
    return join(this.#directory, id);
  }
}
