// Writing packs anew: all that is in them, or what is still reached.

import type { AddedPack } from '../journal/operations.ts';
import type { PfsContext } from '../pfs/context.ts';
import { ChunkRewriter } from './chunk-rewriter.ts';
import { GitRewriter, type IsKept } from './git-rewriter.ts';
import type { Pace } from './pace.ts';
import type { PackView } from './pack-view.ts';

/**
 * Writes what is kept of packs of one kind into new packs, which are durable and not live when it resolves. A damaged
 * pack is `corrupt`, and named in the error's details.
 */
export async function rewritePacks(
  context: PfsContext,
  work: { readonly views: readonly PackView[]; readonly isKept: IsKept; readonly pace: Pace },
): Promise<AddedPack[]> {
  const { views, isKept, pace } = work;
  const sorted = [...views].sort((a, b) => (a.pack.id < b.pack.id ? -1 : 1));
  const isGit = sorted[0]?.pack.kind === 'git';
  const rewriter = isGit ? new GitRewriter(context, pace) : new ChunkRewriter(context, pace);
  try {
    await rewriter.write(sorted, isKept);
    return await rewriter.finish();
  } catch (error) {
    rewriter.discard();
    throw error;
  }
}
