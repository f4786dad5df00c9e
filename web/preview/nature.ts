// What a file is, told by its first bytes.

import { nameOf } from '../repos/places.ts';
import type { ByteSource } from './byte-source.ts';
import { type FileNature, HEAD_BYTES, natureOf } from './file-kind.ts';

/** Reads the first bytes of a file, and tells what it is. */
export async function readNature(source: ByteSource, signal?: AbortSignal): Promise<FileNature> {
  const head = await source.read(0, HEAD_BYTES, signal);
  return natureOf(nameOf(source.place.path), head, head.length === source.size);
}
