// The data sets that several rows put: made once in a run.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeLargeFile, makeSmallFiles } from './data.ts';
import type { Workspace } from './workspace.ts';

const MiB = 1024 * 1024;

/** Where the data sets are; each is made when it is first asked for. */
export function sources(bench: Workspace): {
  readonly small: string;
  readonly smallCount: number;
  readonly large: string;
  readonly largeBytes: number;
} {
  const smallCount = bench.size(100_000, 2000);
  const largeBytes = bench.size(2048 * MiB, 64 * MiB);
  return {
    smallCount,
    largeBytes,
    get small() {
      const folder = join(bench.root, 'small');
      return existsSync(folder) ? folder : makeSmallFiles(folder, { count: smallCount });
    },
    get large() {
      const path = join(bench.root, 'large');
      return existsSync(path) ? path : makeLargeFile(path, largeBytes);
    },
  };
}
