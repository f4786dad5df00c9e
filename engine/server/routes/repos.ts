// Repos and branches over HTTP.

import type { FastifyInstance } from 'fastify';
import { deleteBranch, putBranch, resolveBranch } from '../../pfs/branches.ts';
import { resolveRepo } from '../../pfs/commit-lookup.ts';
import { exportRepo } from '../../pfs/export.ts';
import { repoKeyOf } from '../../pfs/names.ts';
import { createRepo, deleteRepo, describeRepo } from '../../pfs/repos.ts';
import { encodeFiles } from '../frames.ts';
import { answering, flag, pageOf, param, query, repoOf, sendBytes, text } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { viewBranch, viewRepo } from '../views.ts';
import { FRAMES_TYPE } from '../wire.ts';

/** Adds the routes of repos and branches. */
export function repoRoutes(
  server: FastifyInstance,
  { context }: EngineParts,
  onFault: (error: unknown) => void,
): void {
  const { journal } = context;
  const answered = answering(context);

  server.get('/repos', (request) => {
    const project = query(request, 'project');
    const all = flag(request, 'all');
    const repos = [...journal.state.repos.values()].filter(
      (repo) =>
        (all || repo.kind === 'user') &&
        (project === undefined || repo.key.startsWith(`${project}/`)),
    );
    return pageOf(request, repos, {
      keyOf: (repo) => repo.key,
      view: (repo) => viewRepo(context, repo),
    });
  });

  server.post('/repos', async (request) => {
    const key = repoKeyOf(text(request, 'project') ?? '', text(request, 'name') ?? '');
    const description = text(request, 'description') ?? '';
    const repo = await answered(request, (asked) =>
      createRepo(context, { key, description }, asked),
    );
    return viewRepo(context, repo);
  });

  server.get('/repos/:project/:repo', (request) =>
    viewRepo(context, resolveRepo(context, repoOf(request))),
  );

  server.patch('/repos/:project/:repo', async (request) => {
    const change = { key: repoOf(request), description: text(request, 'description') ?? '' };
    return viewRepo(
      context,
      await answered(request, (asked) => describeRepo(context, change, asked)),
    );
  });

  server.delete('/repos/:project/:repo', async (request, reply) => {
    const repo = { key: repoOf(request), force: flag(request, 'force') };
    await answered(request, (asked) => deleteRepo(context, repo, asked));
    return reply.code(204).send();
  });

  server.get('/repos/:project/:repo/export', (request, reply) => {
    const repo = resolveRepo(context, repoOf(request));
    const frames = encodeFiles(exportRepo(context, repo.key));
    return sendBytes(reply.type(FRAMES_TYPE), frames, { onFault });
  });

  server.get('/repos/:project/:repo/branches', (request) => {
    const { key } = resolveRepo(context, repoOf(request));
    const branches = [...journal.state.branches.keysBy('repo', key)].flatMap(
      (branch) => journal.state.branches.get(branch) ?? [],
    );
    return pageOf(request, branches, { keyOf: (branch) => branch.name, view: viewBranch });
  });

  server.put('/repos/:project/:repo/branches/:branch', async (request) => {
    const head = text(request, 'head');
    const change = {
      repo: repoOf(request),
      branch: param(request, 'branch'),
      ...(head === undefined ? {} : { head }),
    };
    return viewBranch(await answered(request, (asked) => putBranch(context, change, asked)));
  });

  server.get('/repos/:project/:repo/branches/:branch', (request) =>
    viewBranch(resolveBranch(context, repoOf(request), param(request, 'branch'))),
  );

  server.delete('/repos/:project/:repo/branches/:branch', async (request, reply) => {
    const branch = {
      repo: repoOf(request),
      branch: param(request, 'branch'),
      force: flag(request, 'force'),
    };
    await answered(request, (asked) => deleteBranch(context, branch, asked));
    return reply.code(204).send();
  });
}
