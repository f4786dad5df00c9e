// What the bench stores: random bytes, which neither compression nor deduplication makes less of.

import { randomBytes, randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import {
  encodeFrameEnd,
  encodeFrameHeader,
  FRAME_FILE,
  FRAME_HEADER_BYTES,
} from '../../engine/server/frames.ts';

const MiB = 1024 * 1024;
const FILES_OF_A_FOLDER = 1000;
const BATCH_BYTES = 256 * 1024;

/** Writes `count` files of `bytes` random bytes each, a thousand in a folder; returns the folder of all. */
export function makeSmallFiles(folder: string, { count = 0, bytes = 4096 }): string {
  const data = Buffer.allocUnsafe(bytes);
  for (let i = 0; i < count; i += 1) {
    const directory = `${folder}/${directoryOf(i)}`;
    if (i % FILES_OF_A_FOLDER === 0) {
      mkdirSync(directory, { recursive: true });
    }
    writeFileSync(`${directory}/${i}.bin`, randomFillSync(data));
  }
  return folder;
}

/** Writes one file of random bytes; returns its path. */
export function makeLargeFile(path: string, bytes: number): string {
  const data = Buffer.allocUnsafe(MiB);
  const file = openSync(path, 'w');
  for (let left = bytes; left > 0; left -= data.length) {
    writeSync(file, randomFillSync(data), 0, Math.min(left, data.length));
  }
  closeSync(file);
  return path;
}

/** Yields a file's bytes with `inserted` put in at `at`. */
export async function* withInsertion(
  path: string,
  { at, inserted }: { readonly at: number; readonly inserted: Buffer },
): AsyncGenerator<Buffer> {
  const file = openSync(path, 'r');
  try {
    let position = 0;
    for (;;) {
      const wanted = position < at ? Math.min(MiB, at - position) : MiB;
      const piece = Buffer.allocUnsafe(wanted);
      const count = readSync(file, piece, 0, wanted, position);
      if (count === 0) {
        return;
      }
      position += count;
      yield piece.subarray(0, count);
      if (position === at) {
        yield inserted;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Encodes files as the frames of an upload, in few buffers. */
export async function* frames(
  files: Iterable<{ readonly path: string; readonly data: Uint8Array }>,
): AsyncGenerator<Buffer> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  let count = 0;
  for (const { path, data } of files) {
    batch.push(encodeFrameHeader(FRAME_FILE, path, data.length), data);
    bytes += FRAME_HEADER_BYTES + path.length + data.length;
    count += 1;
    if (bytes >= BATCH_BYTES) {
      yield Buffer.concat(batch);
      batch = [];
      bytes = 0;
    }
  }
  yield Buffer.concat([...batch, encodeFrameEnd(count)]);
}

/** Yields `count` small files: a thousand in a directory, or all in one. */
export function* smallFiles(
  count: number,
  { flat = false, bytes = 16 } = {},
): Generator<{ path: string; data: Buffer }> {
  for (let i = 0; i < count; i += 1) {
    yield { path: flat ? `/${i}.bin` : `/${directoryOf(i)}/${i}.bin`, data: randomBytes(bytes) };
  }
}

function directoryOf(i: number): string {
  return `d${String(Math.floor(i / FILES_OF_A_FOLDER)).padStart(4, '0')}`;
}
