// What each route needs: the one table of who may do what over HTTP. A test holds it to the routes that there are.

import type { FastifyRequest } from 'fastify';
import { demandAdmin, type Need, scopeOfRepo } from '../auth/rights.ts';
import { EngineError } from '../base/errors.ts';
import { repoScope, secretScope } from '../journal/auth-records.ts';
import { CLUSTER_SCOPE, projectScope } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { Role } from '../journal/states.ts';
import { askerOf, demandFor } from './identity.ts';
import { isForPage } from './page.ts';
import { API_PREFIX } from './wire.ts';

/**
 * `open`: nothing, not even a token. `user`: to be known; the route shows what its asker may read, and the change that it
 * makes is decided with the asker's rights. `admin`: to be one. Else a role on what the path names.
 */
export type Access =
  | 'open'
  | 'user'
  | 'admin'
  | { readonly [K in 'repo' | 'pipeline' | 'project' | 'secret']?: Role };

const READ_REPO = { repo: 'reader' } as const;
const WRITE_REPO = { repo: 'writer' } as const;
const OWN_REPO = { repo: 'owner' } as const;
const READ_PIPELINE = { pipeline: 'reader' } as const;
const WRITE_PIPELINE = { pipeline: 'writer' } as const;

/** By method and path below the prefix of the API. */
const API: Readonly<Record<string, Access>> = {
  'GET /version': 'open',
  'GET /openapi.json': 'open',
  'GET /reference': 'open',
  'GET /engine': 'user',
  'POST /engine/stop': 'admin',
  'GET /journal': 'admin',
  'GET /events': 'user',
  'GET /repos': 'user',
  'POST /repos': 'user',
  'GET /repos/:project/:repo': READ_REPO,
  'PATCH /repos/:project/:repo': WRITE_REPO,
  'DELETE /repos/:project/:repo': OWN_REPO,
  'GET /repos/:project/:repo/export': READ_REPO,
  'PUT /repos/:project/:repo/retention': OWN_REPO,
  'GET /repos/:project/:repo/usage': READ_REPO,
  'GET /repos/:project/:repo/branches': READ_REPO,
  'GET /repos/:project/:repo/branches/:branch': READ_REPO,
  'PUT /repos/:project/:repo/branches/:branch': WRITE_REPO,
  'DELETE /repos/:project/:repo/branches/:branch': WRITE_REPO,
  'GET /repos/:project/:repo/branches/:branch/subscribe': READ_REPO,
  'POST /repos/:project/:repo/branches/:branch/merge': WRITE_REPO,
  'GET /repos/:project/:repo/tags': READ_REPO,
  'GET /repos/:project/:repo/tags/:tag': READ_REPO,
  'PUT /repos/:project/:repo/tags/:tag': WRITE_REPO,
  'DELETE /repos/:project/:repo/tags/:tag': WRITE_REPO,
  'GET /repos/:project/:repo/commits': READ_REPO,
  'POST /repos/:project/:repo/commits': WRITE_REPO,
  'GET /repos/:project/:repo/commits/:ref': READ_REPO,
  'GET /repos/:project/:repo/commits/:ref/wait': READ_REPO,
  'POST /repos/:project/:repo/commits/:ref/finish': WRITE_REPO,
  'POST /repos/:project/:repo/commits/:ref/revert': WRITE_REPO,
  'POST /repos/:project/:repo/files/:ref': WRITE_REPO,
  'POST /repos/:project/:repo/files/:ref/delete': WRITE_REPO,
  'POST /repos/:project/:repo/files/:ref/copy': WRITE_REPO,
  'GET /repos/:project/:repo/files/:ref/list': READ_REPO,
  'GET /repos/:project/:repo/files/:ref/inspect': READ_REPO,
  'GET /repos/:project/:repo/files/:ref/glob': READ_REPO,
  'GET /repos/:project/:repo/files/:ref/diff': READ_REPO,
  'GET /repos/:project/:repo/files/:ref': READ_REPO,
  'GET /repos/:project/:repo/files/:ref/content': READ_REPO,
  'HEAD /repos/:project/:repo/files/:ref/content': READ_REPO,
  'GET /repos/:project/:repo/files/:ref/frames': READ_REPO,
  'GET /repos/:project/:repo/files/:ref/commits': READ_REPO,
  'GET /commit-sets': 'user',
  'GET /commit-sets/:id': 'user',
  'GET /commit-sets/:id/wait': 'user',
  'DELETE /commit-sets/:id': 'user',
  'POST /commit-sets/:id/squash': 'user',
  'GET /pipelines': 'user',
  'POST /pipelines': 'user',
  'GET /pipelines/:project/:pipeline': READ_PIPELINE,
  'DELETE /pipelines/:project/:pipeline': { pipeline: 'owner' },
  'POST /pipelines/:project/:pipeline/start': WRITE_PIPELINE,
  'POST /pipelines/:project/:pipeline/stop': WRITE_PIPELINE,
  'POST /pipelines/:project/:pipeline/tick': WRITE_PIPELINE,
  'POST /pipelines/:project/:pipeline/rerun': WRITE_PIPELINE,
  'GET /pipelines/:project/:pipeline/gits': READ_PIPELINE,
  'POST /pipelines/:project/:pipeline/gits/look': WRITE_PIPELINE,
  'GET /pipelines/:project/:pipeline/jobs/:id': READ_PIPELINE,
  'GET /pipelines/:project/:pipeline/jobs/:id/wait': READ_PIPELINE,
  'GET /pipelines/:project/:pipeline/jobs/:id/why': READ_PIPELINE,
  'GET /pipelines/:project/:pipeline/jobs/:id/datums': READ_PIPELINE,
  'GET /pipelines/:project/:pipeline/jobs/:id/datums/:datum': READ_PIPELINE,
  'POST /pipelines/:project/:pipeline/jobs/:id/stop': WRITE_PIPELINE,
  'POST /pipelines/:project/:pipeline/jobs/:id/restart': WRITE_PIPELINE,
  'POST /pipelines/:project/:pipeline/jobs/:id/retry': WRITE_PIPELINE,
  'POST /pipelines/:project/:pipeline/jobs/:id/datums/:datum/debug': WRITE_PIPELINE,
  'POST /workbench': 'user',
  'POST /previews': 'user',
  'POST /previews/datums': 'user',
  'POST /validations': 'user',
  'GET /jobs': 'user',
  'GET /jobs/subscribe': 'user',
  'GET /job-sets/:id': 'user',
  'GET /logs': 'user',
  'GET /provenance': 'user',
  'GET /projects': 'user',
  'POST /projects': 'user',
  'GET /projects/:project': { project: 'reader' },
  'PATCH /projects/:project': { project: 'owner' },
  'DELETE /projects/:project': { project: 'owner' },
  'GET /defaults/cluster': 'user',
  'PUT /defaults/cluster': 'admin',
  'DELETE /defaults/cluster': 'admin',
  'GET /defaults/projects/:project': { project: 'reader' },
  'PUT /defaults/projects/:project': { project: 'owner' },
  'DELETE /defaults/projects/:project': { project: 'owner' },
  'GET /secrets': 'user',
  'POST /secrets': 'admin',
  'GET /secrets/:name': { secret: 'reader' },
  'DELETE /secrets/:name': 'admin',
  'POST /secret-keys/export': 'admin',
  'POST /secret-keys/import': 'admin',
  'GET /transactions': 'user',
  'POST /transactions': 'user',
  'GET /transactions/:id': 'user',
  'DELETE /transactions/:id': 'user',
  'POST /transactions/:id/finish': 'user',
  'GET /trash': 'user',
  'POST /trash/repos/:project/:repo': { project: 'owner' },
  'POST /trash/repos/:project/:repo/branches/:branch': WRITE_REPO,
  'POST /trash/repos/:project/:repo/commits/:id': WRITE_REPO,
  'POST /trash/commit-sets/:id': 'admin',
  'GET /usage': 'user',
  'POST /collection': 'admin',
  'GET /store/check': 'admin',
  'POST /store/repair': 'admin',
  'POST /store/mirror': 'admin',
  'GET /store/doctor': 'admin',
  'POST /hooks/git/:hook': 'open',
  'POST /session': 'open',
  'GET /session': 'user',
  'DELETE /session': 'user',
  'POST /session/codes': 'user',
  'GET /auth/whoami': 'user',
  'GET /auth/check': 'user',
  'GET /auth/roles': 'user',
  'PUT /auth/roles': 'user',
  'DELETE /auth/roles': 'user',
  'GET /auth/users': 'admin',
  'POST /auth/users': 'admin',
  'DELETE /auth/users/:user': 'admin',
  'PUT /auth/users/:user/admin': 'admin',
  'DELETE /auth/users/:user/admin': 'admin',
  'GET /auth/tokens': 'user',
  'POST /auth/tokens': 'user',
  'DELETE /auth/tokens/:token': 'user',
};

/** Those below no prefix of the API, by method and whole path. */
const OTHERS: Readonly<Record<string, Access>> = {
  'GET /healthz': 'open',
  'GET /readyz': 'open',
  'GET /metrics': 'user',
  'GET /*': 'open',
  'HEAD /*': 'open',
  'GET /git/:project/:repo/info/refs': READ_REPO,
  'POST /git/:project/:repo/git-upload-pack': READ_REPO,
  'POST /git/:project/:repo/git-receive-pack': WRITE_REPO,
  'POST /git/:project/:repo/info/lfs/objects/batch': READ_REPO,
  'GET /git/:project/:repo/info/lfs/objects/:oid/:size': READ_REPO,
  'PUT /git/:project/:repo/info/lfs/objects/:oid/:size': WRITE_REPO,
};

/** What each route needs, by method and path as the server knows it. */
export const ACCESS: ReadonlyMap<string, Access> = new Map([
  ...Object.entries(API).map(([route, access]) => {
    const [method, path] = route.split(' ');
    return [`${method} ${API_PREFIX}${path}`, access] as const;
  }),
  ...Object.entries(OTHERS),
]);

/** Returns what a request needs; `admin` for a route that the table lacks. */
export function accessOf(request: FastifyRequest): Access {
  // Of what is at no path of its own only the page is everybody's.
  if (request.routeOptions.url === '/*') {
    return isForPage(request) ? 'open' : 'user';
  }
  return ACCESS.get(`${request.method} ${request.routeOptions.url ?? ''}`) ?? 'admin';
}

/** Rejects with `permission_denied` a request whose sender may not make it. */
export function checkAccess(request: FastifyRequest, state: State): void {
  const access = accessOf(request);
  if (access === 'open' || access === 'user' || request.is404) {
    return;
  }
  if (access === 'admin') {
    demandAdmin(state, askerOf(request), `answer ${request.method} ${pathOf(request)}`);
    request.needs.push({ role: 'owner', scope: CLUSTER_SCOPE });
    return;
  }
  for (const need of needsOf(request, { access, state })) {
    demandFor(request, state, need);
  }
}

function needsOf(
  request: FastifyRequest,
  { access, state }: { readonly access: Exclude<Access, string>; readonly state: State },
): Need[] {
  const params = request.params as Readonly<Record<string, string>>;
  const { project = '', repo = '', pipeline = '', name = '' } = params;
  const scopes = {
    repo: () => scopeOfRepo(state, `${project}/${repo.replace(/\.git$/, '')}`),
    pipeline: () => repoScope(`${project}/${pipeline}`),
    project: () => projectScope(project),
    secret: () => secretScope(name),
  };
  return (['repo', 'pipeline', 'project', 'secret'] as const).flatMap((kind) => {
    const role = access[kind];
    return role === undefined ? [] : [{ role, scope: scopes[kind]() }];
  });
}

/** The path of a request without its query, in which a client may have put anything. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}

/** The error for who is not known. */
export function unauthenticated(why: string): EngineError {
  return new EngineError('unauthenticated', `Cannot answer: ${why}`);
}
