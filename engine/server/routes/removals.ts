// Removing commit sets over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { makeRequested } from '../../jobs/changes.ts';
import type { CommitRecord } from '../../journal/records.ts';
import { splitRepoKey } from '../../pfs/names.ts';
import { setsToRemove } from '../../pfs/set-readers.ts';
import { changing } from '../changing.ts';
import { flag, param, transactionOf } from '../http.ts';
import { askerOf } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import type { RemovedSet } from '../wire-versions.ts';

/** Adds the routes that remove commit sets. */
export function removalRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const change = changing(context);

  const remove = async (
    request: FastifyRequest,
    kind: 'set.drop' | 'set.squash',
  ): Promise<RemovedSet> => {
    const id = param(request, 'id');
    const removed: CommitRecord[] = [];
    if (flag(request, 'recursive')) {
      if (transactionOf(request) !== undefined) {
        throw new EngineError(
          'invalid',
          'Cannot add this to a transaction: which sets were made from others is found as it is done; name each set',
        );
      }
      // Each by itself, last ones first: what it stops at, and why, is told, and asking again goes on from there.
      for (const set of (await setsToRemove(context, id)).slice(0, -1)) {
        removed.push(...(await makeRequested(context, { kind, set }, askerOf(request))));
      }
    }
    removed.push(...(await change(request, { kind, set: id })));
    return view(id, removed);
  };

  server.delete('/commit-sets/:id', (request) => remove(request, 'set.drop'));
  server.post('/commit-sets/:id/squash', (request) => remove(request, 'set.squash'));
}

function view(id: string, commits: readonly CommitRecord[]): RemovedSet {
  return {
    id,
    commits: commits
      .filter(({ repo }) => !/\.(spec|meta)$/.test(repo))
      .map(({ repo, branch, id: commit }) => ({ repo: splitRepoKey(repo), name: branch, commit })),
  };
}
