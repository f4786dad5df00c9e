// Outputs for egress out of plain objects.

import { createHash } from 'node:crypto';
import type { Outgoing, OutgoingFile } from '../../../engine/egress/outgoing.ts';

/** Returns an output of these files, after earlier ones; `known` says that the place holds exactly `before`. */
export function outgoing(
  files: Readonly<Record<string, string>>,
  options: {
    readonly before?: readonly Readonly<Record<string, string>>[];
    readonly isKnown?: boolean;
    /** Ends the sending when this file is read. */
    readonly breaksAt?: string;
    readonly executable?: readonly string[];
  } = {},
): Outgoing & { readonly read: Outgoing['read']; reads: string[] } {
  const { before = [], isKnown = false, breaksAt, executable = [] } = options;
  const reads: string[] = [];
  return {
    reads,
    async *files() {
      for (const path of Object.keys(files).sort()) {
        const text = files[path] ?? '';
        const file: OutgoingFile = {
          path,
          size: Buffer.byteLength(text),
          id: createHash('sha1').update(text).digest('hex'),
          executable: executable.includes(path),
          isKnown: isKnown && before[0]?.[path] === text,
        };
        yield file;
      }
    },
    async *gone() {
      for (const earlier of before) {
        yield* Object.keys(earlier).filter((path) => !(path in files));
      }
    },
    async *read({ path }) {
      reads.push(path);
      if (path === breaksAt) {
        throw new Error('the engine was killed');
      }
      yield Buffer.from(files[path] ?? '');
    },
  };
}

export const NEVER = new AbortController().signal;
