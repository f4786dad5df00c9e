// Tags over HTTP.

import type { FastifyInstance } from 'fastify';
import { resolveRepo } from '../../pfs/commit-lookup.ts';
import { resolveTag, tagsOf } from '../../pfs/tags.ts';
import { changing } from '../changing.ts';
import { flag, pageOf, param, repoOf, text } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { viewTag } from '../views.ts';

const TAG = '/repos/:project/:repo/tags/:tag';

/** Adds the routes of tags. */
export function tagRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const change = changing(context);

  server.get('/repos/:project/:repo/tags', (request) => {
    const { key } = resolveRepo(context, repoOf(request));
    const tags = tagsOf(context.journal.state, key);
    return pageOf(request, tags, { keyOf: (tag) => tag.name, view: viewTag });
  });

  server.put(TAG, async (request) => {
    const tag = {
      kind: 'tag.put' as const,
      repo: repoOf(request),
      name: param(request, 'tag'),
      head: text(request, 'head') ?? '',
      description: text(request, 'description') ?? '',
      force: flag(request, 'force'),
    };
    return viewTag(await change(request, tag));
  });

  server.get(TAG, (request) =>
    viewTag(resolveTag(context, repoOf(request), param(request, 'tag'))),
  );

  server.delete(TAG, async (request, reply) => {
    const [repo, name] = [repoOf(request), param(request, 'tag')];
    await change(request, { kind: 'tag.delete', repo, name });
    return reply.code(204).send();
  });
}
