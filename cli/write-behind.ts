// Writes a stream to an open file in large pieces, one while the next arrives: a trip to the system for each packet of the
// network would cost more than the data.

import type { FileHandle } from 'node:fs/promises';

const PIECE_BYTES = 1024 * 1024;

/**
 * Writes all of `source` at the file's position. What arrived before an error is written before that is thrown.
 * @param onProgress called with the bytes that arrived so far.
 */
export async function writeBehind(
  handle: FileHandle,
  source: AsyncIterable<Uint8Array>,
  onProgress: (bytes: number) => void = () => undefined,
): Promise<void> {
  let piece: Uint8Array[] = [];
  let gathered = 0;
  let arrived = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = (): void => {
    const bytes = Buffer.concat(piece, gathered);
    piece = [];
    gathered = 0;
    writing = writing.then(() => writeAll(handle, bytes));
    // It is awaited before the next piece, and at the end; until then it must not count as unhandled.
    writing.catch(() => undefined);
  };
  try {
    for await (const chunk of source) {
      piece.push(chunk);
      gathered += chunk.length;
      arrived += chunk.length;
      if (gathered >= PIECE_BYTES) {
        await writing;
        flush();
      }
      onProgress(arrived);
    }
  } finally {
    if (gathered > 0) {
      flush();
    }
    await writing;
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
