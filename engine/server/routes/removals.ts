// Removing commit sets over HTTP.

import type { FastifyInstance } from 'fastify';
import type { CommitRecord } from '../../journal/records.ts';
import { splitRepoKey } from '../../pfs/names.ts';
import { changing } from '../changing.ts';
import { param } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import type { RemovedSet } from '../wire-versions.ts';

/** Adds the routes that remove commit sets. */
export function removalRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const change = changing(context);

  server.delete('/commit-sets/:id', async (request) => {
    const id = param(request, 'id');
    return view(id, await change(request, { kind: 'set.drop', set: id }));
  });

  server.post('/commit-sets/:id/squash', async (request) => {
    const id = param(request, 'id');
    return view(id, await change(request, { kind: 'set.squash', set: id }));
  });
}

function view(id: string, commits: readonly CommitRecord[]): RemovedSet {
  return {
    id,
    commits: commits
      .filter(({ repo }) => !/\.(spec|meta)$/.test(repo))
      .map(({ repo, branch }) => ({ repo: splitRepoKey(repo), name: branch, commit: id })),
  };
}
