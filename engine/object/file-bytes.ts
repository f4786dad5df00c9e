// Whole reads and writes of open files, whatever the system call leaves undone.

import type { FileHandle } from 'node:fs/promises';

/** The most buffers one `writev` takes on Linux and macOS. */
const MAX_VECTOR = 1024;

/** Writes `pieces` from the beginning of the file on, without joining them: all but the first `written` bytes. */
export async function writeFully(
  handle: FileHandle,
  pieces: readonly Uint8Array[],
  written = 0,
): Promise<void> {
  const left = dropBytes(pieces, written);
  let position = written;
  for (let first = 0; first < left.length; first += MAX_VECTOR) {
    let rest = left.slice(first, first + MAX_VECTOR);
    while (rest.length > 0) {
      const { bytesWritten } = await handle.writev(rest, position);
      position += bytesWritten;
      rest = dropBytes(rest, bytesWritten);
    }
  }
}

/** Returns `pieces` without their first `count` bytes. */
function dropBytes(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  let index = 0;
  for (let piece = pieces[0]; piece && left >= piece.length; piece = pieces[index]) {
    left -= piece.length;
    index += 1;
  }
  const rest = pieces.slice(index);
  if (left > 0 && rest[0] !== undefined) {
    rest[0] = rest[0].subarray(left);
  }
  return rest;
}

/** Reads the bytes from `start` up to `end`, into memory that is handed in where it is long enough. Rejects when the file ends before them. */
export async function readFully(
  handle: FileHandle,
  range: { start: number; end: number },
  into?: Buffer,
): Promise<Buffer> {
  const { start } = range;
  const length = range.end - start;
  const buffer =
    into && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, start + done);
    if (bytesRead === 0) {
      throw new Error(`the file ended ${length - done} bytes early`);
    }
    done += bytesRead;
  }
  return buffer;
}
