// What a worker needs of the bucket: files and directories to read and to write, by Git id. It says nothing of
// packs, repos or commits, so that a worker may run far from the engine.

import type { TreeEntry } from '../git/tree.ts';

/** The bytes of a file: at hand when small, to be streamed when large. */
export type FileContent =
  | { readonly kind: 'small'; readonly bytes: Uint8Array }
  | { readonly kind: 'large'; readonly size: number; read(): AsyncIterable<Uint8Array> };

/** Reading access to files and directories. What isn't there, or is damaged, is `corrupt`. */
export interface ContentReader {
  /** The entries of a tree in Git's order. Shared: not to be changed. */
  readTree(id: string): Promise<readonly TreeEntry[]>;
  /** The content of the file that a blob stands for: of a pointer, the large file's. */
  readFile(id: string): Promise<FileContent>;
}

/** Where files and directories are written; an id is good for reading at once, and durable when the owner says so. */
export interface ContentWriter extends ContentReader {
  /** Stores the content of a file of at most `MAX_BLOB_BYTES` and returns its blob id. */
  writeFile(bytes: Buffer): string | Promise<string>;
  /** Stores a file of any size and returns its blob id. */
  writeLargeFile(source: AsyncIterable<Uint8Array>): Promise<string>;
  /** Stores a directory and returns its tree id. Refuses bad names as `invalid`. */
  writeTree(entries: readonly TreeEntry[]): string | Promise<string>;
}
