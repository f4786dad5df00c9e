// Commits and commit sets over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { isId } from '../../base/ids.ts';
import type { CommitRecord } from '../../journal/records.ts';
import { resolveBranch } from '../../pfs/branches.ts';
import {
  listCommits,
  listSetIds,
  orderedSet,
  subscribeCommits,
  walkCommits,
} from '../../pfs/commit-list.ts';
import { resolveCommit, resolveRepo } from '../../pfs/commit-lookup.ts';
import { waitCommit } from '../../pfs/commits.ts';
import { changing } from '../changing.ts';
import { commitViewer } from '../commit-viewer.ts';
import { flag, pageOf, param, query, repoOf, sendLines, text, untilGone } from '../http.ts';
import { readableBy } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime } from '../views.ts';
import type { CommitSet } from '../wire.ts';

/** Adds the routes of commits and commit sets. */
export function commitRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const change = changing(context);
  const view = commitViewer(context);

  server.post('/repos/:project/:repo/commits', async (request) => {
    const parent = text(request, 'parent');
    const commit = await change(request, {
      kind: 'commit.start',
      repo: repoOf(request),
      branch: text(request, 'branch') ?? '',
      description: text(request, 'description') ?? '',
      ...(parent === undefined ? {} : { parent }),
    });
    return view(request, commit);
  });

  server.get('/repos/:project/:repo/commits', async (request) => {
    const repo = repoOf(request);
    resolveRepo(context, repo);
    const branch = query(request, 'branch');
    const from = query(request, 'from');
    const after = query(request, 'after');
    if (branch === undefined) {
      const before = after !== undefined && isId(after) ? after : undefined;
      const list = listCommits(context, repo, { before });
      return await pageOf(request, list, {
        keyOf: (c) => c.id,
        view: (c) => view(request, c),
        skip: before === undefined,
      });
    }
    const end = from === undefined ? undefined : (await resolveCommit(context, repo, from)).id;
    // The page after a commit begins with its parent.
    const start = after === undefined ? branch : `${after}^`;
    const last = after === undefined ? undefined : await resolveCommit(context, repo, after);
    const list = last?.parent === null ? [] : until(walkCommits(context, repo, start), end);
    return await pageOf(request, list, {
      keyOf: (c) => c.id,
      view: (c) => view(request, c),
      skip: false,
    });
  });

  server.get('/repos/:project/:repo/commits/:ref', async (request) =>
    view(request, await resolveCommit(context, repoOf(request), param(request, 'ref'))),
  );

  server.post('/repos/:project/:repo/commits/:ref/finish', async (request) => {
    const description = text(request, 'description');
    const commit = await change(request, {
      kind: 'commit.finish',
      repo: repoOf(request),
      ref: param(request, 'ref'),
      ...(description === undefined ? {} : { description }),
    });
    return view(request, commit);
  });

  server.get('/repos/:project/:repo/commits/:ref/wait', async (request, reply) => {
    const options = { ref: param(request, 'ref'), signal: untilGone(reply) };
    return view(request, await waitCommit(context, repoOf(request), options));
  });

  server.get('/repos/:project/:repo/branches/:branch/subscribe', async (request, reply) => {
    const branch = { repo: repoOf(request), branch: param(request, 'branch') };
    resolveBranch(context, branch.repo, branch.branch);
    const wanted = query(request, 'from');
    const from =
      wanted === undefined ? undefined : (await resolveCommit(context, branch.repo, wanted)).id;
    const signal = untilGone(reply);
    const options = from === undefined ? { signal } : { signal, from };
    return sendLines(reply, viewed(request, subscribeCommits(context, branch, options)));
  });

  server.get('/commit-sets', (request) =>
    pageOf(request, visibleSets(request), {
      keyOf: ({ id }) => id,
      view: ({ id, commits }) => viewSet(id, commits),
    }),
  );

  server.get('/commit-sets/:id', async (request) =>
    pageOf(request, await members(request), {
      keyOf: (commit) => commit.repo,
      view: (commit) => view(request, commit),
    }),
  );

  server.get('/commit-sets/:id/wait', async (request, reply) => {
    const commits = await members(request);
    const signal = untilGone(reply);
    return sendLines(
      reply,
      (async function* () {
        for (const { repo, id } of commits) {
          yield view(request, await waitCommit(context, repo, { ref: id, signal }));
        }
      })(),
    );
  });

  /** Returns the commits of a set in topological order; without `all`, those of users' repos. */
  async function members(request: FastifyRequest): Promise<CommitRecord[]> {
    const [id, all] = [param(request, 'id'), flag(request, 'all')];
    const commits = await readableSet(request, id);
    if (commits.length === 0) {
      throw new EngineError(
        'not_found',
        `Cannot find commit set ${id}; pfs list-commit shows them`,
      );
    }
    return commits.filter((commit) => all || !/\.(spec|meta)$/.test(commit.repo));
  }

  async function* visibleSets(request: FastifyRequest) {
    for await (const id of listSetIds(context)) {
      const commits = await readableSet(request, id);
      if (commits.length > 0) {
        yield { id, commits };
      }
    }
  }

  async function readableSet(request: FastifyRequest, id: string): Promise<CommitRecord[]> {
    const mayRead = readableBy(request, context.journal.state);
    return (await orderedSet(context, id)).filter(({ repo }) => mayRead(repo));
  }

  async function* viewed(request: FastifyRequest, commits: AsyncIterable<CommitRecord>) {
    for await (const commit of commits) {
      yield view(request, commit);
    }
  }
}

async function* until(
  commits: AsyncIterable<CommitRecord>,
  last: string | undefined,
): AsyncIterable<CommitRecord> {
  for await (const commit of commits) {
    yield commit;
    if (commit.id === last) {
      return;
    }
  }
}

function viewSet(id: string, commits: readonly CommitRecord[]): CommitSet {
  const shown = commits.filter((commit) => !/\.(spec|meta)$/.test(commit.repo));
  const times = commits.map((commit) => commit.started);
  const ends = commits.map((commit) => commit.finished ?? commit.started);
  return {
    id,
    commits: shown.length,
    finished: shown.filter((commit) => commit.finished !== null).length,
    failed: shown.filter((commit) => commit.error !== null).length,
    created: isoTime(Math.min(...times)),
    modified: isoTime(Math.max(...ends)),
  };
}
