// Tags over HTTP.

import type { FastifyInstance } from 'fastify';
import { resolveRepo } from '../../pfs/commit-lookup.ts';
import { deleteTag, putTag, resolveTag, tagsOf } from '../../pfs/tags.ts';
import { answering, flag, pageOf, param, repoOf, text } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { viewTag } from '../views.ts';

const TAG = '/repos/:project/:repo/tags/:tag';

/** Adds the routes of tags. */
export function tagRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const answered = answering(context);

  server.get('/repos/:project/:repo/tags', (request) => {
    const { key } = resolveRepo(context, repoOf(request));
    const tags = tagsOf(context.journal.state, key);
    return pageOf(request, tags, { keyOf: (tag) => tag.name, view: viewTag });
  });

  server.put(TAG, async (request) => {
    const tag = {
      repo: repoOf(request),
      name: param(request, 'tag'),
      head: text(request, 'head') ?? '',
      description: text(request, 'description') ?? '',
      force: flag(request, 'force'),
    };
    return viewTag(await answered(request, (asked) => putTag(context, tag, asked)));
  });

  server.get(TAG, (request) =>
    viewTag(resolveTag(context, repoOf(request), param(request, 'tag'))),
  );

  server.delete(TAG, async (request, reply) => {
    const tag = { repo: repoOf(request), name: param(request, 'tag') };
    await answered(request, (asked) => deleteTag(context, tag, asked));
    return reply.code(204).send();
  });
}
