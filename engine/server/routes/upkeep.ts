// The growth of the store over HTTP: collection, the trash, retention, usage.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RepoKey, RetentionRecord, TrashRecord } from '../../journal/records.ts';
import { splitRepoKey } from '../../pfs/names.ts';
import { keepCommits } from '../../pfs/repos.ts';
import { undeleteBranch, undeleteCommit, undeleteRepo } from '../../pfs/undelete.ts';
import { commitViewer } from '../commit-viewer.ts';
import { answering, body, flag, pageOf, param, query, repoOf, untilGone } from '../http.ts';
import { readableBy } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime, viewBranch, viewRepo } from '../views.ts';
import type { Page } from '../wire.ts';
import type { Collection, RepoUsage, Retention, Trashed, Usage } from '../wire-upkeep.ts';

/** Adds the routes of upkeep. */
export function upkeepRoutes(server: FastifyInstance, { context, upkeep }: EngineParts): void {
  const answered = answering(context);
  const view = commitViewer(context);

  server.post(
    '/collection',
    (request, reply): Promise<Collection> =>
      upkeep.collectNow({
        dryRun: flag(request, 'dryRun'),
        graceMs: millisecondsOf(request, 'grace') ?? upkeep.graceMs,
        signal: untilGone(reply),
      }),
  );

  server.get('/trash', (request) =>
    pageOf(request, visibleTrash(request), {
      keyOf: ([key]) => key,
      view: ([, record]) => viewTrashed(record),
    }),
  );

  function visibleTrash(request: FastifyRequest): (readonly [string, TrashRecord])[] {
    const { state } = context.journal;
    const mayRead = readableBy(request, state);
    return [...state.trash.entries()].filter(([, record]) => mayRead(repoOfTrash(record)));
  }

  server.post('/trash/repos/:project/:repo', async (request) => {
    const key = repoOf(request);
    return viewRepo(context, await answered(request, (asked) => undeleteRepo(context, key, asked)));
  });

  server.post('/trash/repos/:project/:repo/branches/:branch', async (request) => {
    const branch = { repo: repoOf(request), branch: param(request, 'branch') };
    return viewBranch(await answered(request, (asked) => undeleteBranch(context, branch, asked)));
  });

  server.post('/trash/repos/:project/:repo/commits/:id', async (request) => {
    const commit = { repo: repoOf(request), id: param(request, 'id') };
    const found = await answered(request, (asked) => undeleteCommit(context, commit, asked));
    return found.map((one) => view(request, one));
  });

  server.post('/trash/commit-sets/:id', async (request) => {
    const commit = { id: param(request, 'id') };
    const found = await answered(request, (asked) => undeleteCommit(context, commit, asked));
    return found.map((one) => view(request, one));
  });

  server.put('/repos/:project/:repo/retention', async (request) => {
    const change = { key: repoOf(request), keep: retentionOf(request) };
    return viewRepo(
      context,
      await answered(request, (asked) => keepCommits(context, change, asked)),
    );
  });

  server.get('/usage', async (request, reply): Promise<Page<RepoUsage>> => {
    const mayRead = readableBy(request, context.journal.state);
    const rows = await upkeep.usageOfRepos(untilGone(reply));
    return {
      items: rows
        .filter(({ repo }) => mayRead(repo))
        .map(({ repo, ...usage }) => ({ ...usage, repo: splitRepoKey(repo) })),
      next: null,
    };
  });

  server.get('/repos/:project/:repo/usage', (request, reply): Promise<Usage> => {
    const ref = query(request, 'ref');
    const target = { repo: repoOf(request), ...(ref === undefined ? {} : { ref }) };
    return upkeep.usageOf(target, untilGone(reply));
  });
}

function repoOfTrash(record: TrashRecord): RepoKey {
  switch (record.kind) {
    case 'repo':
      return record.repo.key;
    case 'branch':
      return record.branch.repo;
    case 'commit':
      return record.commit.repo;
  }
}

function viewTrashed(record: TrashRecord): Trashed {
  const deleted = isoTime(record.time);
  switch (record.kind) {
    case 'repo':
      return { kind: 'repo', repo: splitRepoKey(record.repo.key), name: null, deleted };
    case 'branch': {
      const { repo, name } = record.branch;
      return { kind: 'branch', repo: splitRepoKey(repo), name, deleted };
    }
    case 'commit': {
      const { repo, id } = record.commit;
      return { kind: 'commit', repo: splitRepoKey(repo), name: id, deleted };
    }
  }
}

function millisecondsOf(request: FastifyRequest, name: string): number | undefined {
  const text = query(request, name);
  return text === undefined ? undefined : Number(text);
}

function retentionOf(request: FastifyRequest): RetentionRecord | null {
  const { last = null, forMs = null }: Partial<Retention> = body(request);
  return last === null && forMs === null ? null : { last, forMs };
}
