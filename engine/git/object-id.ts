// Names of Git objects: SHA-1 over kind, length and content, written as 40 hex digits.

import { createHash, hash } from 'node:crypto';

/** The kinds of object that Git has. */
export type GitKind = 'commit' | 'tree' | 'blob' | 'tag';

/** The tree without entries. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

const ID_PATTERN = /^[0-9a-f]{40}$/;
/** Up to this size copying into one buffer is cheaper than hashing in two steps. */
const ONE_SHOT_BYTES = 128 * 1024;
const scratch = Buffer.allocUnsafeSlow(ONE_SHOT_BYTES + 32);

/** Returns whether `text` has the form of an object's name. */
export function isObjectId(text: string): boolean {
  return ID_PATTERN.test(text);
}

/** Returns the name of an object of that kind and content. */
export function objectId(kind: GitKind, content: Uint8Array): string {
  const header = `${kind} ${content.length}\0`;
  if (content.length > ONE_SHOT_BYTES) {
    return createHash('sha1').update(header, 'latin1').update(content).digest('hex');
  }
  const start = scratch.write(header, 0, 'latin1');
  scratch.set(content, start);
  return hash('sha1', scratch.subarray(0, start + content.length), 'hex');
}
