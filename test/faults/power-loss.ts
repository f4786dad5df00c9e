// What a power failure leaves on a disk: everything that was synced, and of the rest as much as chance will have.

import { existsSync, rmSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DiskEvent } from './disk-shim.ts';

interface Pending {
  readonly path: string;
  /** The changes that had been carried out; one that was under way may have been, or not. */
  readonly n: number;
}

/**
 * Takes from the disk of the store in `root` what was not durable: names in directories that were not synced since, and bytes of files that were not.
 * `isLost` decides for each of them.
 */
export function losePower(root: string, log: readonly DiskEvent[], isLost: () => boolean): void {
  const failed = new Set(log.filter(({ op }) => op === 'failed').map(({ n }) => n));
  const events = log.filter(({ n }) => !failed.has(n));
  const done = new Set(events.filter(({ op }) => op === 'done').map(({ n }) => n));
  const doneAt = new Map(events.map((event, at) => [event.op === 'done' ? event.n : -1, at]));
  const names = new Map<string, Pending[]>();
  const unsynced = new Map<string, string>();
  /** Names of one file stand for the same bytes. */
  const fileOf = new Map<string, string>();
  const directories = new Set<string>();
  for (const [at, event] of events.entries()) {
    if (event.op === 'mkdir') {
      if (!done.has(event.n) && directories.has(event.path)) {
        // It was under way, and would have failed.
        continue;
      }
      directories.add(event.path);
    }
    if (event.op === 'remove') {
      directories.delete(event.path);
    }
    if (event.op === 'create' || event.op === 'mkdir' || event.op === 'name') {
      const directory = dirname(event.path);
      names.set(directory, [...(names.get(directory) ?? []), event]);
      const from = event.op === 'name' ? event.from : event.path;
      fileOf.set(event.path, fileOf.get(from) ?? from);
    }
    if (event.op === 'write') {
      unsynced.set(fileOf.get(event.path) ?? event.path, event.path);
    }
    if (event.op === 'sync' && done.has(event.n)) {
      unsynced.delete(fileOf.get(event.path) ?? event.path);
      // What was carried out before the sync began is durable.
      const left = (names.get(event.path) ?? []).filter(
        ({ n }) => (doneAt.get(n) ?? Number.POSITIVE_INFINITY) > at,
      );
      names.set(event.path, left);
    }
  }
  for (const [path, file] of fileOf) {
    if (unsynced.has(file) && existsSync(path) && isLost()) {
      truncateSync(path);
    }
  }
  for (const { path } of [...names.values()].flat()) {
    // The directory of the store was there before.
    if (path.startsWith(`${root}/`) && isLost()) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
