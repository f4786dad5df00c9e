// Defaults of the cluster and of projects over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import {
  type DefaultsChange as ChangeOfDefaults,
  type DeleteDefaults,
  findDefaults,
  type PutDefaults,
  tryDefaults,
} from '../../jobs/defaults.ts';
import { CLUSTER_SCOPE, type DefaultsRecord, projectScope } from '../../journal/records.ts';
import { splitRepoKey } from '../../pfs/names.ts';
import { changing } from '../changing.ts';
import { flag, param, query } from '../http.ts';
import type { EngineParts } from '../parts.ts';
import { isoTime } from '../views.ts';
import type { Defaults, DefaultsChange } from '../wire-defaults.ts';

/** Adds the routes of defaults. */
export function defaultsRoutes(server: FastifyInstance, { context }: EngineParts): void {
  const change = changing(context);

  for (const path of ['/defaults/cluster', '/defaults/projects/:project']) {
    server.get(path, (request): Defaults => {
      const scope = scopeOf(request);
      const { project } = scope;
      const found = findDefaults(context, scope.key);
      return found ? view(found) : { project, value: {}, text: '', updated: null };
    });

    server.put(path, async (request): Promise<DefaultsChange> => {
      if (typeof request.body !== 'string') {
        throw new EngineError('invalid', 'Cannot read the request: send defaults as text/plain');
      }
      const asked: PutDefaults = {
        kind: 'defaults.put',
        scope: scopeOf(request).key,
        text: request.body,
        fileName: query(request, 'file') ?? 'defaults',
        create: flag(request, 'create'),
        ...regeneration(request),
      };
      return viewChange(
        await (flag(request, 'dry-run') ? tryDefaults(context, asked) : change(request, asked)),
      );
    });

    server.delete(path, async (request): Promise<DefaultsChange> => {
      const asked: DeleteDefaults = {
        kind: 'defaults.delete',
        scope: scopeOf(request).key,
        ...regeneration(request),
      };
      return viewChange(
        await (flag(request, 'dry-run') ? tryDefaults(context, asked) : change(request, asked)),
      );
    });
  }
}

function scopeOf(request: FastifyRequest): {
  readonly key: string;
  readonly project: string | null;
} {
  const project = param(request, 'project');
  return project === ''
    ? { key: CLUSTER_SCOPE, project: null }
    : { key: projectScope(project), project };
}

function regeneration(request: FastifyRequest): { regenerate: boolean; reprocess: boolean } {
  return { regenerate: flag(request, 'regenerate'), reprocess: flag(request, 'reprocess') };
}

function view({ scope, value, text, updated }: DefaultsRecord): Defaults {
  const project = scope === CLUSTER_SCOPE ? null : scope.slice(projectScope('').length);
  return { project, value, text, updated: isoTime(updated) };
}

function viewChange({ defaults, affected, isRegenerated }: ChangeOfDefaults): DefaultsChange {
  return {
    defaults: defaults && view(defaults),
    affected: affected.map(splitRepoKey),
    regenerated: isRegenerated,
  };
}
