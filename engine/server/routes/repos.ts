// Repos and branches over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { resolveBranch } from '../../pfs/branches.ts';
import { resolveRepo } from '../../pfs/commit-lookup.ts';
import { exportRepo } from '../../pfs/export.ts';
import { repoKeyOf } from '../../pfs/names.ts';
import { readTrigger, type Trigger, type TriggerFields } from '../../pipeline/trigger.ts';
import { changing } from '../changing.ts';
import { encodeFiles } from '../frames.ts';
import { body, flag, pageOf, param, query, repoOf, sendBytes, text } from '../http.ts';
import { readableBy } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { viewBranch, viewRepo } from '../views.ts';
import { FRAMES_TYPE } from '../wire.ts';

/** Adds the routes of repos and branches. */
export function repoRoutes(
  server: FastifyInstance,
  { context }: EngineParts,
  onFault: (error: unknown, request?: string) => void,
): void {
  const { journal } = context;
  const change = changing(context);

  server.get('/repos', (request) => {
    const project = query(request, 'project');
    const all = flag(request, 'all');
    const mayRead = readableBy(request, journal.state);
    const repos = [...journal.state.repos.values()].filter(
      (repo) =>
        mayRead(repo.key) &&
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
    const repo = await change(request, { kind: 'repo.create', repo: key, description });
    return viewRepo(context, repo);
  });

  server.get('/repos/:project/:repo', (request) =>
    viewRepo(context, resolveRepo(context, repoOf(request))),
  );

  server.patch('/repos/:project/:repo', async (request) => {
    const [repo, description] = [repoOf(request), text(request, 'description') ?? ''];
    return viewRepo(context, await change(request, { kind: 'repo.describe', repo, description }));
  });

  server.delete('/repos/:project/:repo', async (request, reply) => {
    const [repo, force] = [repoOf(request), flag(request, 'force')];
    await change(request, { kind: 'repo.delete', repo, force });
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
    const branch = param(request, 'branch');
    const trigger = triggerOf(request, branch);
    const made = await change(request, {
      kind: 'branch.put',
      repo: repoOf(request),
      branch,
      ...(head === undefined ? {} : { head }),
      ...(trigger === undefined ? {} : { trigger }),
    });
    return viewBranch(made);
  });

  server.get('/repos/:project/:repo/branches/:branch', (request) =>
    viewBranch(resolveBranch(context, repoOf(request), param(request, 'branch'))),
  );

  server.delete('/repos/:project/:repo/branches/:branch', async (request, reply) => {
    await change(request, {
      kind: 'branch.delete',
      repo: repoOf(request),
      branch: param(request, 'branch'),
      force: flag(request, 'force'),
    });
    return reply.code(204).send();
  });
}

/** Reads the trigger that a request wants a branch to have; null for none, undefined where it does not say. */
function triggerOf(request: FastifyRequest, on: string): Trigger | null | undefined {
  const { trigger } = body(request) as { trigger?: unknown };
  if (trigger === undefined || trigger === null) {
    return trigger;
  }
  if (typeof trigger !== 'object') {
    throw new EngineError('invalid', 'Cannot read the request: "trigger" must be an object');
  }
  const { branch, all, size, commits, rateLimit, cron } = trigger as Record<string, unknown>;
  const asText = (value: unknown) => (value === undefined ? undefined : String(value));
  const fields = {
    branch: asText(branch),
    all: all === true,
    size: asText(size),
    commits: commits === undefined ? undefined : Number(commits),
    rate_limit_spec: asText(rateLimit),
    cron_spec: asText(cron),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return readTrigger(Object.fromEntries(given) as TriggerFields, on);
}
