// Making the entries of a directory durable, for who waits for the disk anyway.

import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes durable the entries that a directory has now. */
export function syncEntries(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
