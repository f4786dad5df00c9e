// Writes of large objects past the system's cache of files. What is stored is seldom read at once, and copying it into the cache,
// page by page, costs more of the processor than all the rest of a write.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCode } from '../base/errors.ts';
import { copyBytes } from './copy-bytes.ts';

/** In the language's library of browsers alone, though every Node has it. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

/** Below this size it does not matter. */
const DIRECT_BYTES = 8 * 1024 * 1024;
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Such writes begin, end and lie in memory at multiples of this, whatever the disk. */
const ALIGNMENT = 4096;
const WASM_PAGE_BYTES = 65_536;
const MAX_FREE = 6;

/** Undefined where the system has no such writes. */
const O_DIRECT = constants.O_DIRECT as number | undefined;
const free: Uint8Array[] = [];

/**
 * Writes all of `pieces` into the empty file at `path`, where the system and the file system can. Returns how many bytes of the beginning
 * were written: the rest is to be written by other means. It is all in the system's hands, not durable.
 */
export async function writeDirectly(
  path: string,
  pieces: readonly Uint8Array[],
  total: number,
): Promise<number> {
  const whole = total - (total % ALIGNMENT);
  if (O_DIRECT === undefined || total < DIRECT_BYTES) {
    return 0;
  }
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_WRONLY | O_DIRECT);
  } catch (error) {
    return refused(error);
  }
  const blocks = [takeBlock(), takeBlock()];
  let writing: Promise<void> = Promise.resolve();
  try {
    const source = new PieceReader(pieces);
    for (let at = 0, turn = 0; at < whole; at += BLOCK_BYTES, turn ^= 1) {
      const block = (blocks[turn] ?? takeBlock()).subarray(0, Math.min(BLOCK_BYTES, whole - at));
      source.read(block);
      await writing;
      writing = writeAt(handle, block, at);
      // It is awaited before the next block, and at the end; until then it must not count as unhandled.
      writing.catch(() => undefined);
    }
    await writing;
    return whole;
  } catch (error) {
    await writing.catch(() => undefined);
    return refused(error);
  } finally {
    await handle.close();
    for (const block of blocks) {
      giveBlock(block);
    }
  }
}

/** Returns 0 for "can't do that"; throws any other error. */
function refused(error: unknown): 0 {
  if (['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemCode(error) ?? '')) {
    return 0;
  }
  throw error;
}

async function writeAt(handle: FileHandle, block: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < block.length; ) {
    const { bytesWritten } = await handle.write(block, done, block.length - done, position + done);
    done += bytesWritten;
  }
}

/** Memory of WebAssembly begins at a page; nothing else here does, or tells where it begins. */
function takeBlock(): Uint8Array {
  const pages = BLOCK_BYTES / WASM_PAGE_BYTES;
  return free.pop() ?? new Uint8Array(new WebAssembly.Memory({ initial: pages }).buffer);
}

function giveBlock(block: Uint8Array): void {
  if (free.length < MAX_FREE) {
    free.push(block);
  }
}

/** Reads on and on in pieces that stand one behind the other. */
class PieceReader {
  readonly #pieces: readonly Uint8Array[];
  #piece = 0;
  #at = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  /** Fills the target, for which there must be enough. */
  read(target: Uint8Array): void {
    for (let filled = 0; filled < target.length; ) {
      const piece = this.#pieces[this.#piece] as Uint8Array;
      const taken = piece.subarray(this.#at, this.#at + target.length - filled);
      copyBytes(target, taken, filled);
      filled += taken.length;
      this.#at += taken.length;
      if (this.#at === piece.length) {
        this.#piece += 1;
        this.#at = 0;
      }
    }
  }
}
