// The Git LFS pointer (specification v1): the small text that stands in a Git tree for a large file.

import { MAX_POINTER_BYTES } from '../base/limits.ts';

/** What a pointer says: the SHA-256 of the content in 64 hex digits, and its size in bytes. */
export interface Pointer {
  readonly sha256: string;
  readonly size: number;
}

const VERSION_LINE = 'version https://git-lfs.github.com/spec/v1';
const OID = /^sha256:([0-9a-f]{64})$/;
const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;
const LINE = /^([a-z0-9.-]+) ([^\n]*)$/;
/** A file with one of these words could be taken for a pointer by a tool that meets it. */
const WORDS = ['git-lfs', 'hawser', 'git-media'];

/** Returns the text of a pointer, in the one form that the specification allows. */
export function encodePointer(pointer: Pointer): Buffer {
  return Buffer.from(
    `${VERSION_LINE}\noid sha256:${pointer.sha256}\nsize ${pointer.size}\n`,
    'latin1',
  );
}

/** Reads a pointer; undefined when the bytes are not one to the letter of the specification. */
export function parsePointer(bytes: Buffer): Pointer | undefined {
  if (bytes.length >= MAX_POINTER_BYTES || bytes.at(-1) !== 0x0a) {
    return undefined;
  }
  const [first, ...lines] = bytes.toString('utf8', 0, bytes.length - 1).split('\n');
  if (first !== VERSION_LINE) {
    return undefined;
  }
  const values = new Map<string, string>();
  let last = '';
  for (const line of lines) {
    const [, key = '', value = ''] = LINE.exec(line) ?? [];
    if (key <= last) {
      return undefined;
    }
    last = key;
    values.set(key, value);
  }
  const sha256 = OID.exec(values.get('oid') ?? '')?.[1];
  const size = values.get('size') ?? '';
  return sha256 && SIZE.test(size) ? { sha256, size: Number(size) } : undefined;
}

/** Returns whether a file of this content must be stored as a large one, since it could be taken for a pointer. */
export function mustBeLarge(bytes: Uint8Array): boolean {
  if (bytes.length >= MAX_POINTER_BYTES) {
    return false;
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return WORDS.some((word) => view.includes(word, 0, 'latin1'));
}
