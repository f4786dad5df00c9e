// Checks what is read from its first byte to its last: large files, and segments of logs.

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { errorText, isEngineError } from '../base/errors.ts';
import type { LargeFileReader } from '../content/large-file.ts';
import type { ObjectStore } from '../object/object-store.ts';

const unzip = promisify(gunzip);

/** Returns what is wrong with the large file of that SHA-256, or undefined. */
export async function wholeFileProblem(
  files: LargeFileReader,
  file: string,
): Promise<string | undefined> {
  const sum = createHash('sha256');
  try {
    for await (const bytes of files.read(file)) {
      sum.update(bytes);
    }
  } catch (error) {
    if (!isEngineError(error, 'corrupt')) {
      throw error;
    }
    return errorText(error);
  }
  return sum.digest('hex') === file
    ? undefined
    : `The chunks of the large file "${file}" are whole, and not that file`;
}

/** Returns what is wrong with a segment of a log, or undefined. */
export async function logProblem(store: ObjectStore, key: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await store.get(key);
  } catch (error) {
    if (isEngineError(error, 'not_found')) {
      return undefined;
    }
    throw error;
  }
  try {
    await unzip(bytes);
    return undefined;
  } catch {
    return `Segment "${key}" of a log is damaged`;
  }
}
