// A directory that is held open while one works in it: whoever swaps it, or one above it, for a link meanwhile leads nobody
// away. Where the system has no /proc (macOS) it is named by its path, and only that it is no link is looked at.

import { closeSync, constants, existsSync, openSync, readlinkSync } from 'node:fs';

const HANDLES = '/proc/self/fd';
const HAS_HANDLES = existsSync(HANDLES);
/** Names a directory without a right to read it; Linux has it, and Node no name for it. */
const O_PATH = 0o10000000;
const FLAGS = constants.O_DIRECTORY | constants.O_NOFOLLOW | (HAS_HANDLES ? O_PATH : 0);
const SLASH = Buffer.from('/');

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

  close(): void {
    closeSync(this.#handle);
  }
}
