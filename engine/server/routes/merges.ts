// Merging branches and reverting commits over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { branchKey } from '../../journal/records.ts';
import { parseRef, resolveCommit } from '../../pfs/commit-lookup.ts';
import { conflictsAsOutcome, type MergeOutcome } from '../../pfs/merge.ts';
import type { Favour } from '../../pfs/merge-trees.ts';
import { changing } from '../changing.ts';
import { commitViewer } from '../commit-viewer.ts';
import { body, param, repoOf, text } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import type { MergeResult } from '../wire-versions.ts';

/** Adds the routes of merges and reverts. */
export function mergeRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const change = changing(context);
  const viewOf = commitViewer(context);

  server.post('/repos/:project/:repo/branches/:branch/merge', async (request) => {
    const favour = favourOf(request);
    const merge = {
      kind: 'branch.merge' as const,
      repo: repoOf(request),
      into: param(request, 'branch'),
      from: text(request, 'source') ?? '',
      fastForward: body(request).fastForward !== false,
      description: text(request, 'description') ?? '',
      ...(favour === undefined ? {} : { favour }),
    };
    return view(request, await conflictsAsOutcome(change(request, merge)));
  });

  server.post('/repos/:project/:repo/commits/:ref/revert', async (request) => {
    const [repo, ref] = [repoOf(request), param(request, 'ref')];
    const branch = text(request, 'branch') ?? (await branchOf(repo, ref));
    const description = text(request, 'description') ?? '';
    const revert = { kind: 'commit.revert' as const, repo, ref, branch, description };
    return view(request, await conflictsAsOutcome(change(request, revert)));
  });

  /** Returns the branch that a ref begins with, or else on which its commit was made. */
  async function branchOf(repo: string, ref: string): Promise<string> {
    const { base } = parseRef(ref);
    return context.journal.state.branches.has(branchKey(repo, base))
      ? base
      : (await resolveCommit(context, repo, ref)).branch;
  }

  function view(request: FastifyRequest, result: MergeOutcome): MergeResult {
    const { commit, conflicts } = result;
    return {
      outcome: result.outcome,
      conflictCount: result.conflictCount,
      commit: commit && viewOf(request, commit),
      conflicts: conflicts.map((conflict) => ({ ...conflict, path: `/${conflict.path}` })),
    };
  }
}

function favourOf(request: FastifyRequest): Favour | undefined {
  const favour = text(request, 'favour');
  if (favour !== undefined && favour !== 'ours' && favour !== 'theirs') {
    throw new EngineError(
      'invalid',
      `Cannot read the request: "favour" must be ours or theirs, not "${favour}"`,
    );
  }
  return favour;
}
