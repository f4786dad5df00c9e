// Hands the user's terminal to a program elsewhere: every key goes there as it is pressed, and output is shown as it comes.

import { execFileSync } from 'node:child_process';
import type { Input } from './context.ts';

/** Makes the terminal of standard input raw; returns what makes it as it was. */
export function makeRaw(stdin: Input): () => void {
  // Node's own raw mode still turns line feeds into new lines, which full-screen programs do not survive.
  try {
    const before = stty('-g').trim();
    stty('raw', '-echo');
    return () => void stty(before);
  } catch {
    stdin.setRawMode?.(true);
    return () => stdin.setRawMode?.(false);
  }
}

function stty(...args: readonly string[]): string {
  return execFileSync('stty', args, { encoding: 'utf8', stdio: ['inherit', 'pipe', 'ignore'] });
}
