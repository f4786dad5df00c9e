// Turns local files into file frames: few system calls and few buffers for many small files, a stream for large ones.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import {
  encodeFrameEnd,
  encodeFrameHeader,
  FRAME_EXECUTABLE,
  FRAME_FILE,
  FRAME_HEADER_BYTES,
  FRAME_LINK,
  FRAME_PIECE,
} from '../engine/server/frames.ts';
import { CliError, fileError } from './cli-error.ts';

/** Frames leave in batches of about this size. */
const BATCH_BYTES = 256 * 1024;
/** Files up to this size are read whole into the batch. */
const SMALL_BYTES = 128 * 1024;
/** Larger files are read in pieces of this size. */
const READ_BYTES = 1024 * 1024;
/** A frame's name is at most this long: 16 bits of length. */
const MAX_PATH_BYTES = 0xffff;
// A pipe that took the file's place since the walk must not block the open.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

interface StreamedFile {
  readonly path: string;
  readonly stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const NOTHING: Iterable<Uint8Array> = [];

/** One file to encode. A `stream` is a source of unknown length. */
export interface UploadFile {
  /** Its path in the commit. */
  readonly path: string;
  /** Where it is, for messages. */
  readonly from: string;
  readonly stream?: AsyncIterable<Uint8Array>;
  /** Other files in place of this one: what a place that is listed meanwhile holds. */
  readonly files?: AsyncIterable<StreamedFile> | undefined;
  /** Where it leads, of a symbolic link that is kept. */
  readonly link?: string | undefined;
}

/** Called after each batch with how many files and bytes have been read. */
export type OnProgress = (files: number, bytes: number) => void;

/**
 * Yields the frame stream of `files`. A chunk is valid until the next is asked for: its memory is used again. Throws
 * when a file cannot be read or changes its size meanwhile; what was yielded then lacks its end.
 */
export async function* encodeFiles(
  files: Iterable<UploadFile>,
  onProgress: OnProgress = () => undefined,
): AsyncIterable<Uint8Array> {
  // One byte is spare, to see that a file has grown.
  const batch = Buffer.allocUnsafeSlow(BATCH_BYTES + FRAME_HEADER_BYTES + MAX_PATH_BYTES + 1);
  let used = 0;
  let count = 0;
  let frames = 0;
  let bytes = 0;
  for (const file of files) {
    if (file.stream || file.files) {
      if (used > 0) {
        yield batch.subarray(0, used);
        used = 0;
      }
      const { path, stream, files: listed = [{ path, stream: stream ?? NOTHING }] } = file;
      for await (const one of listed) {
        for await (const chunk of one.stream) {
          frames += 1;
          bytes += chunk.length;
          yield encodeFrameHeader(FRAME_PIECE, one.path, chunk.length);
          yield chunk;
          onProgress(count, bytes);
        }
        frames += 1;
        count += 1;
        yield encodeFrameHeader(FRAME_FILE, one.path, 0);
      }
      continue;
    }
    if (file.link !== undefined) {
      const target = Buffer.from(file.link);
      if (used > 0) {
        yield batch.subarray(0, used);
        used = 0;
      }
      frames += 1;
      count += 1;
      yield Buffer.concat([encodeFrameHeader(FRAME_LINK, file.path, target.length), target]);
      continue;
    }
    const fd = openFile(file.from);
    let left: 'small' | Opened;
    try {
      const status = fstatSync(fd);
      if (!status.isFile()) {
        throw new CliError(
          'io',
          `Cannot put "${file.from}": it is not a regular file; leave it out`,
        );
      }
      const { size } = status;
      const kind = status.mode & 0o111 ? FRAME_EXECUTABLE : FRAME_FILE;
      if (size <= SMALL_BYTES) {
        const pathBytes = Buffer.byteLength(file.path);
        if (used + FRAME_HEADER_BYTES + pathBytes + size > BATCH_BYTES) {
          yield batch.subarray(0, used);
          used = 0;
          onProgress(count, bytes);
        }
        batch[used] = kind;
        batch.writeUInt16BE(pathBytes, used + 1);
        batch.writeUIntBE(size, used + 3, 6);
        batch.write(file.path, used + FRAME_HEADER_BYTES);
        used += FRAME_HEADER_BYTES + pathBytes;
        readSmall(fd, { into: batch.subarray(used, used + size + 1), size, from: file.from });
        used += size;
        left = 'small';
        bytes += size;
      } else {
        left = { size, kind };
      }
    } finally {
      closeSync(fd);
    }
    count += 1;
    frames += 1;
    if (left !== 'small') {
      if (used > 0) {
        yield batch.subarray(0, used);
        used = 0;
      }
      yield encodeFrameHeader(left.kind, file.path, left.size);
      for await (const chunk of readLarge(file.from, left.size)) {
        bytes += chunk.length;
        yield chunk;
        onProgress(count, bytes);
      }
    }
  }
  if (used > 0) {
    yield batch.subarray(0, used);
  }
  yield encodeFrameEnd(frames);
  onProgress(count, bytes);
}

interface Opened {
  readonly size: number;
  readonly kind: number;
}

function openFile(from: string): number {
  try {
    return openSync(from, OPEN_FLAGS);
  } catch (error) {
    throw fileError(`read "${from}"`, error);
  }
}

/** Reads a whole file of `size` bytes; `into` has room for one more, which must stay unused. */
function readSmall(
  fd: number,
  { into, size, from }: { into: Buffer; size: number; from: string },
): void {
  let got = 0;
  try {
    // One read is enough for a file that keeps its size; a short one is followed up.
    do {
      const count = readSync(fd, into, got, size + 1 - got, null);
      got += count;
      if (count === 0) {
        break;
      }
    } while (got < size);
  } catch (error) {
    throw fileError(`read "${from}"`, error);
  }
  if (got !== size) {
    throw changed(from);
  }
}

/** Yields exactly `size` bytes; reads ahead by one piece while the last is on its way. */
async function* readLarge(from: string, size: number): AsyncIterable<Uint8Array> {
  let handle: FileHandle;
  try {
    handle = await open(from, OPEN_FLAGS);
  } catch (error) {
    throw fileError(`read "${from}"`, error);
  }
  const buffers = [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)];
  const readAt = async (position: number): Promise<Buffer> => {
    const buffer = buffers[(position / READ_BYTES) % 2] ?? Buffer.alloc(READ_BYTES);
    let got = 0;
    while (got < READ_BYTES) {
      const { bytesRead } = await handle.read(buffer, got, READ_BYTES - got, position + got);
      if (bytesRead === 0) {
        break;
      }
      got += bytesRead;
    }
    return buffer.subarray(0, got);
  };
  try {
    let next = readAt(0);
    for (let position = 0; position <= size; position += READ_BYTES) {
      const data = await next;
      const wanted = Math.min(READ_BYTES, size - position);
      if (data.length !== wanted) {
        throw changed(from);
      }
      if (data.length > 0) {
        // The read that ends at or behind the end shows whether the file has grown.
        if (position + READ_BYTES <= size) {
          next = readAt(position + READ_BYTES);
          next.catch(() => undefined);
        }
        yield data;
      }
    }
  } catch (error) {
    throw error instanceof CliError ? error : fileError(`read "${from}"`, error);
  } finally {
    await handle.close();
  }
}

function changed(from: string): CliError {
  return new CliError(
    'io',
    `Cannot put "${from}": it changed while it was read, so nothing was stored; try again when nothing writes to it`,
  );
}
