// A directory that is held open while one works in it: whoever swaps it, or one above it, for a link meanwhile leads nobody
// away. Where the system has no /proc (macOS) it is named by its path, and only that it is no link is looked at.

import {
  chmodSync,
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fchmodSync,
  openSync,
  readlinkSync,
} from 'node:fs';
import { opendir } from 'node:fs/promises';

const HANDLES = '/proc/self/fd';
const HAS_HANDLES = existsSync(HANDLES);
/** Names a directory without a right to read it; Linux has it, and Node no name for it. */
const O_PATH = 0o10000000;
const FLAGS = constants.O_DIRECTORY | constants.O_NOFOLLOW | (HAS_HANDLES ? O_PATH : 0);
const SLASH = Buffer.from('/');
/** So many entries are read in one go. */
const READ_ENTRIES = 500;

export class HeldDirectory {
  readonly #handle: number;
  /** Leads to the directory that was opened, whatever is in its place by now. */
  readonly path: Buffer;

  /** Throws the system's ENOTDIR or ELOOP for a link, and for all that is no directory. */
  constructor(path: string | Buffer) {
    this.#handle = openSync(path, FLAGS);
    this.path = HAS_HANDLES ? Buffer.from(`${HANDLES}/${this.#handle}`) : Buffer.from(path);
  }

  /** Where it is, by names of directories alone; undefined where the system does not tell. */
  get place(): string | undefined {
    return HAS_HANDLES ? readlinkSync(this.path, 'utf8') : undefined;
  }

  /** Returns the path of what it holds under a name. */
  entry(name: string | Buffer): Buffer {
    return Buffer.concat([this.path, SLASH, Buffer.from(name)]);
  }

  /** Yields what it holds, in no order, with names as text; others work in between, however much that is. */
  async *entries(): AsyncGenerator<Dirent> {
    yield* await opendir(this.path.toString(), { bufferSize: READ_ENTRIES });
  }

  /** Sets the mode of what it holds under a name, unless that is a link: then it throws the system's error. */
  chmod(name: string, mode: number): void {
    const handle = openSync(this.entry(name), constants.O_NOFOLLOW | (HAS_HANDLES ? O_PATH : 0));
    try {
      if (HAS_HANDLES) {
        chmodSync(`${HANDLES}/${handle}`, mode);
      } else {
        fchmodSync(handle, mode);
      }
    } finally {
      closeSync(handle);
    }
  }

  close(): void {
    closeSync(this.#handle);
  }
}

/**
 * Opens the directory that these names lead to from `root`. Throws the system's error where it is none, and ELOOP where a link is
 * among the names.
 */
export function holdBelow(root: string, names: readonly string[]): HeldDirectory {
  const held = new HeldDirectory([root, ...names].join('/'));
  if (names.length > 0 && held.place !== undefined) {
    try {
      const top = new HeldDirectory(root);
      const expected = [top.place, ...names].join('/');
      top.close();
      if (held.place !== expected) {
        throw Object.assign(new Error(`a link leads to "${names.join('/')}"`), { code: 'ELOOP' });
      }
    } catch (error) {
      held.close();
      throw error;
    }
  }
  return held;
}
