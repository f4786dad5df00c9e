// The bytes of files, whichever way they are stored.

import { MAX_POINTER_BYTES } from '../base/limits.ts';
import type { LargeFileReader, ReadRange } from '../content/large-file.ts';
import { parsePointer } from '../content/pointer.ts';
import type { GitObjects } from '../git/git-objects.ts';

/** A file by its blob's id, and the range of its bytes that is wanted: all where not named. */
export interface FileRange extends ReadRange {
  readonly id: string;
}

/** Yields the bytes of a file, as {@link LargeFileReader.read} does. */
export async function* readFileBytes(
  objects: GitObjects,
  largeFiles: LargeFileReader,
  file: FileRange,
): AsyncGenerator<Buffer> {
  const { id, start = 0, end = Number.POSITIVE_INFINITY, borrowed = false } = file;
  const blob = await objects.readBlob(id);
  const pointer = blob.length < MAX_POINTER_BYTES ? parsePointer(blob) : undefined;
  if (pointer) {
    yield* largeFiles.read(pointer.sha256, { start, end, borrowed });
  } else if (start < blob.length) {
    yield start === 0 && end >= blob.length ? blob : blob.subarray(start, end);
  }
}
