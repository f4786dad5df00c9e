// Reads the end of a text file, and what is added to it.

import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const BLOCK_BYTES = 64 * 1024;

/**
 * Yields a file's content from its `last` lines on (all of it without that); with `follow` goes on with what is added,
 * until `signal` fires.
 */
export async function* tailFile(
  file: string,
  options: { readonly last?: number; readonly follow: boolean; readonly signal: AbortSignal },
): AsyncIterable<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    let position = options.last === undefined ? 0 : await findTail(handle, options.last);
    const buffer = Buffer.alloc(BLOCK_BYTES);
    while (!options.signal.aborted) {
      const { bytesRead } = await handle.read(buffer, 0, BLOCK_BYTES, position);
      if (bytesRead > 0) {
        position += bytesRead;
        yield Buffer.from(buffer.subarray(0, bytesRead));
      } else if (options.follow) {
        await changed(file, options.signal);
      } else {
        return;
      }
    }
  } finally {
    await handle.close();
  }
}

/** Returns where the last `count` lines begin. */
async function findTail(handle: FileHandle, count: number): Promise<number> {
  const { size } = await handle.stat();
  const buffer = Buffer.alloc(BLOCK_BYTES);
  let lines = 0;
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i -= 1) {
      if (buffer[i] === 0x0a && start + i < size - 1) {
        lines += 1;
        if (lines === count) {
          return start + i + 1;
        }
      }
    }
  }
  return count === 0 ? size : 0;
}

async function changed(file: string, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(file);
    const done = (): void => {
      clearTimeout(timer);
      watcher.close();
      signal.removeEventListener('abort', done);
      resolve();
    };
    // Not every file system tells of changes.
    const timer = setTimeout(done, 500);
    watcher.once('change', done);
    watcher.once('error', done);
    signal.addEventListener('abort', done);
  });
}
