// Writes a stream to an open file in large pieces, while the next ones arrive: a trip to the system for each packet of the
// network would cost more than the data.

import type { FileHandle } from 'node:fs/promises';

const PIECE_BYTES = 1024 * 1024;
/** So much may wait for the disk. */
const MAX_WAITING_BYTES = 8 * PIECE_BYTES;
/** The most buffers that one call takes on Linux and macOS. */
const MAX_VECTOR = 1024;

/** What is told on the way. */
export interface Told {
  /** Called with the bytes that arrived so far. */
  readonly onProgress?: (bytes: number) => void;
  /** Called with each chunk once it is written. */
  readonly onWritten?: (chunk: Uint8Array) => void;
}

/**
 * Writes all of `source` at the file's position; its chunks must stay as they are until they are written. What arrived before an error
 * is written before that is thrown.
 */
export async function writeBehind(
  handle: FileHandle,
  source: AsyncIterable<Uint8Array>,
  { onProgress, onWritten }: Told = {},
): Promise<void> {
  const queue = new WriteQueue(handle, onWritten);
  let arrived = 0;
  try {
    for await (const chunk of source) {
      arrived += chunk.length;
      const waiting = queue.add(chunk);
      if (waiting) {
        await waiting;
      }
      onProgress?.(arrived);
    }
  } finally {
    await queue.finish();
  }
}

/** Chunks on their way to a file, in order; the writer takes all that wait at once. */
class WriteQueue {
  readonly #handle: FileHandle;
  readonly #onWritten: Told['onWritten'];
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #failed: { readonly error: unknown } | undefined;

  constructor(handle: FileHandle, onWritten: Told['onWritten']) {
    this.#handle = handle;
    this.#onWritten = onWritten;
  }

  /** Takes a chunk; to be awaited where too much waits. Throws what kept an earlier one from being written. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failed) {
      throw this.#failed.error;
    }
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < PIECE_BYTES && this.#waiting.length < MAX_VECTOR) {
      return undefined;
    }
    this.#writing ??= this.#write();
    const isFull = this.#bytes >= MAX_WAITING_BYTES || this.#waiting.length >= MAX_VECTOR;
    return isFull ? this.#writing : undefined;
  }

  async finish(): Promise<void> {
    await this.#writing;
    // Nothing is written behind what could not be.
    if (!this.#failed && this.#waiting.length > 0) {
      await this.#write();
    }
    if (this.#failed) {
      throw this.#failed.error;
    }
  }

  /** Writes until less than a piece waits; a failure is told to whoever comes next. */
  async #write(): Promise<void> {
    try {
      do {
        const chunks = this.#waiting;
        this.#waiting = [];
        this.#bytes = 0;
        await writeAll(this.#handle, chunks);
        for (const chunk of chunks) {
          this.#onWritten?.(chunk);
        }
      } while (this.#bytes >= PIECE_BYTES);
    } catch (error) {
      this.#failed ??= { error };
    }
    this.#writing = undefined;
  }
}

async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  for (let rest = chunks; rest.length > 0; ) {
    let { bytesWritten: written } = await handle.writev(rest.slice(0, MAX_VECTOR));
    let whole = 0;
    for (; whole < rest.length && written >= (rest[whole]?.length ?? 0); whole += 1) {
      written -= rest[whole]?.length ?? 0;
    }
    const part = rest[whole]?.subarray(written);
    rest = part ? [part, ...rest.slice(whole + 1)] : [];
  }
}
