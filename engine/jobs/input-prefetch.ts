// Fetches the inputs of a datum to the cache before a worker is free for it, so that only links are left to be made.

import type { ContentReader } from './contents.ts';
import type { MountEntry } from './datum-task.ts';
import type { FileCache } from './file-cache.ts';
import { childrenOf, planShown, type Shown } from './shown-tree.ts';

/** What is fetched ahead of one datum: more would take longer than the datum before it. */
const MAX_FILES = 2000;

/** Fetches the files of `entries`, but for lazy ones. Rejects as {@link FileCache.warm} does. */
export async function prefetchInputs(
  cache: FileCache,
  options: {
    readonly entries: readonly MountEntry[];
    readonly contents: ContentReader;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { entries, contents, signal } = options;
  let files = 0;
  const fetch = async (shown: Shown): Promise<void> => {
    if (shown.kind === 'file') {
      files += 1;
      if (!shown.isEmpty && !shown.isLazy) {
        await cache.warm(shown, { contents, signal });
      }
      return;
    }
    if (shown.kind === 'tree' && (shown.isEmpty || shown.isLazy)) {
      return;
    }
    for (const child of (await childrenOf(shown, contents)).values()) {
      if (signal.aborted || files >= MAX_FILES) {
        return;
      }
      await fetch(child);
    }
  };
  await fetch(planShown(entries));
}
