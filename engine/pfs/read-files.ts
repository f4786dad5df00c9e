// Reading many files at once, in the order in which their bytes stand in the packs.

import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { parsePointer } from '../content/pointer.ts';
import type { ReadableTree } from './commits.ts';
import type { PfsContext } from './context.ts';
import type { FileEntry } from './files.ts';

/** A file with its bytes: at hand when small, as a stream of `size` bytes when large. */
export interface ReadFile {
  readonly file: FileEntry;
  readonly size: number;
  readonly data: Buffer | AsyncIterable<Buffer>;
}

/** Files whose blobs are looked up together: bounds what is held, and gives the packs' order something to work on. */
const BATCH_FILES = 30_000;

/** Yields the files with their bytes, not in their own order. */
export async function* readFiles(
  context: PfsContext,
  tree: ReadableTree,
  files: AsyncIterable<FileEntry>,
): AsyncGenerator<ReadFile> {
  let batch: FileEntry[] = [];
  for await (const file of files) {
    batch.push(file);
    if (batch.length === BATCH_FILES) {
      yield* readBatch(context, tree, batch);
      batch = [];
    }
  }
  yield* readBatch(context, tree, batch);
}

async function* readBatch(
  context: PfsContext,
  tree: ReadableTree,
  batch: readonly FileEntry[],
): AsyncGenerator<ReadFile> {
  if (tree.objects !== context.objects) {
    // An open commit's session holds what no pack has yet.
    for (const file of batch) {
      yield toRead(tree, file, await tree.objects.readBlob(file.id));
    }
    return;
  }
  const byId = new Map<string, FileEntry[]>();
  for (const file of batch) {
    const same = byId.get(file.id);
    if (same) {
      same.push(file);
    } else {
      byId.set(file.id, [file]);
    }
  }
  for await (const { id, content } of context.objects.readMany(byId.keys())) {
    for (const file of byId.get(id) ?? []) {
      yield toRead(tree, file, content);
    }
  }
}

function toRead(tree: ReadableTree, file: FileEntry, blob: Buffer): ReadFile {
  const pointer = blob.length < MAX_POINTER_BYTES ? parsePointer(blob) : undefined;
  return pointer
    ? { file, size: pointer.size, data: tree.readFile(file.id) }
    : { file, size: blob.length, data: blob };
}
