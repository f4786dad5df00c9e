// Finding the commits that changed a path, over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { resolveCommit } from '../../pfs/commit-lookup.ts';
import { withStat } from '../../pfs/files.ts';
import { findPathChanges, type PathChange } from '../../pfs/find-commit.ts';
import { normalizePath, shortRepo } from '../../pfs/names.ts';
import { commitViewer } from '../commit-viewer.ts';
import { limitOf, param, query, repoOf, sendLines } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { viewFile } from '../views.ts';
import type { FoundCommit } from '../wire-versions.ts';

/** Adds the route that finds commits. */
export function foundCommitRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const viewOf = commitViewer(context);

  server.get('/repos/:project/:repo/files/:ref/commits', async (request, reply) => {
    const path = normalizePath(query(request, 'path') ?? '');
    const at = { repo: repoOf(request), ref: param(request, 'ref'), path };
    const limit =
      query(request, 'limit') === undefined ? Number.POSITIVE_INFINITY : limitOf(request);
    await resolveCommit(context, at.repo, at.ref);
    return sendLines(reply, found(request, { at, limit }));
  });

  async function* found(
    request: FastifyRequest,
    { at, limit }: { readonly at: Parameters<typeof findPathChanges>[1]; readonly limit: number },
  ): AsyncGenerator<FoundCommit> {
    let count = 0;
    for await (const change of findPathChanges(context, at)) {
      yield await view(request, change);
      count += 1;
      if (count === limit) {
        return;
      }
    }
    if (count === 0) {
      throw new EngineError(
        'not_found',
        `Cannot find file "/${at.path}" in any commit that leads to ${shortRepo(at.repo)}@${at.ref}`,
      );
    }
  }

  async function view(
    request: FastifyRequest,
    { commit, old, new: now }: PathChange,
  ): Promise<FoundCommit> {
    return {
      kind: old === undefined ? 'added' : now === undefined ? 'removed' : 'changed',
      commit: viewOf(request, commit),
      file: now ? viewFile(await withStat(context.objects, now)) : null,
    };
  }
}
