// Inputs that follow Git servers over HTTP. A webhook needs no token, since Git servers have none: its address cannot be guessed,
// its body is not read, and all that it does is to have the server looked at.

import type { FastifyInstance } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { resolvePipeline } from '../../jobs/job-lookup.ts';
import type { PipelineKey } from '../../journal/records.ts';
import { shortRepo } from '../../pfs/names.ts';
import { param, pipelineOf } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { isoOrNull } from '../views.ts';
import { API_PREFIX } from '../wire.ts';
import type { GitInput } from '../wire-git-inputs.ts';

/** What the paths of webhooks begin with: requests there need no token. */
export const HOOK_PREFIX = `${API_PREFIX}/hooks/git`;

/** Adds the routes of Git inputs. */
export function gitInputRoutes(server: FastifyInstance, parts: EngineParts): void {
  const { context, gits } = parts;

  const view = (key: PipelineKey): GitInput[] =>
    (resolvePipeline(context, key).gits ?? []).map((git): GitInput => {
      const { input, repo, url, branch, taken, hook } = git;
      const { looked, next, problem } = gits.status(key, input);
      return {
        ...{ input, repo, url, branch, taken, problem },
        ...{ looked: isoOrNull(looked), next: isoOrNull(next), hook: `${HOOK_PREFIX}/${hook}` },
      };
    });

  server.get('/pipelines/:project/:pipeline/gits', (request) => view(pipelineOf(request)));

  server.post('/pipelines/:project/:pipeline/gits/look', async (request) => {
    const key = pipelineOf(request);
    const { gits: inputs = [], stopped } = resolvePipeline(context, key);
    const name = shortRepo(key);
    if (inputs.length === 0 || stopped) {
      throw new EngineError(
        'failed_precondition',
        `Cannot look for commits for pipeline "${name}": ${stopped ? `it is stopped; start it with pfs start pipeline ${name}` : 'it has no git input'}`,
      );
    }
    await gits.look(key);
    return view(key);
  });
}

/** Adds the webhooks. */
export function hookRoutes(server: FastifyInstance, { gits }: EngineParts): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
  server.post('/:hook', (request, reply) => {
    if (!gits.poke(param(request, 'hook'))) {
      throw new EngineError('not_found', 'Cannot look at a Git server: there is no such webhook');
    }
    return reply.code(202).send();
  });
}
