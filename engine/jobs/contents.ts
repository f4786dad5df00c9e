// What a worker needs of the bucket: files and directories to read and to write, by Git id. It says nothing of
// packs, repos or commits, so that a worker may run far from the engine.

import type { TreeEntry } from '../git/tree.ts';
import type { Directory } from '../pfs/directory.ts';

/** The bytes of a file: at hand when small, to be streamed when large. */
export type FileContent =
  | { readonly kind: 'small'; readonly bytes: Uint8Array }
  | { readonly kind: 'large'; readonly size: number; read(): AsyncIterable<Uint8Array> };

/** Reading access to files and directories. What isn't there, or is damaged, is `corrupt`. */
export interface ContentReader {
  /** The entries of a tree in Git's order, as Git has them. Shared: not to be changed. */
  readTree(id: string): Promise<readonly TreeEntry[]>;
  /** A directory as users see it. Shared: not to be changed. */
  readDirectory(id: string): Promise<Directory>;
  /** The content of the file that a blob stands for: of a pointer, the large file's. */
  readFile(id: string): Promise<FileContent>;
}

/** A file that was stored: its blob, and whether that is the pointer of a large file. */
export interface StoredFile {
  readonly id: string;
  readonly isLarge: boolean;
}

/** Where files and directories are written. Ids are good for reading at once; their owner makes them durable. */
export interface ContentWriter extends ContentReader {
  /** Stores a file of at most `MAX_BLOB_BYTES`. The bytes must stay as they are until the answer is there. */
  writeFile(bytes: Buffer): StoredFile | Promise<StoredFile>;
  /** Stores a file of any size. */
  writeLargeFile(source: AsyncIterable<Uint8Array>): Promise<StoredFile>;
  /** Stores entries as a tree, just as they are. Refuses bad names as `invalid`. */
  writeTree(entries: readonly TreeEntry[]): string | Promise<string>;
  /** Stores a directory, with what a clone needs to know of its large files; null where it has no entries. */
  writeDirectory(directory: Directory): Promise<string | null>;
}
