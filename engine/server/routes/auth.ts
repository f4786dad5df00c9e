// Users, tokens and roles over HTTP. Only the answer to the making of a token holds anything secret.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Asker } from '../../auth/asker.ts';
import { isAdmin, roleOn } from '../../auth/rights.ts';
import { createToken, demandOwn, revokeToken } from '../../auth/tokens.ts';
import {
  createUser,
  deleteUser,
  findUser,
  grantRole,
  listRoles,
  revokeRole,
  setAdmin,
} from '../../auth/users.ts';
import { EngineError } from '../../base/errors.ts';
import {
  type GrantRecord,
  repoScope,
  secretScope,
  type TokenRecord,
  type UserRecord,
} from '../../journal/auth-records.ts';
import { projectScope } from '../../journal/records.ts';
import type { Role } from '../../journal/states.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { checkName, repoKeyOf } from '../../pfs/names.ts';
import { answering, body, pageOf, param, query, text } from '../http.ts';
import { askerOf, demandFor, isAskedByAdmin } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { isoOrNull, isoTime } from '../views.ts';
import type { CreateToken, Grant, NewToken, RoleCheck, Token, User, WhoAmI } from '../wire-auth.ts';

/** Adds the routes of users, tokens and roles. */
export function authRoutes(server: FastifyInstance, parts: EngineParts): void {
  const { context, secrets } = parts;
  const { random } = parts.store;
  const answered = answering(context);
  const state = () => context.journal.state;

  server.get('/auth/whoami', (request): WhoAmI => whoIs(context, request));

  server.get('/auth/users', (request) =>
    pageOf(request, state().users.values(), { keyOf: ({ name }) => name, view: viewUser }),
  );

  server.post('/auth/users', async (request) => {
    const user = { name: text(request, 'name') ?? '', robot: body(request).robot === true };
    return viewUser(await answered(request, (asked) => createUser(context, user, asked)));
  });

  server.delete('/auth/users/:user', async (request, reply) => {
    await answered(request, (asked) => deleteUser(context, param(request, 'user'), asked));
    return reply.code(204).send();
  });

  for (const [method, admin] of [
    ['PUT', true],
    ['DELETE', false],
  ] as const) {
    server.route({
      method,
      url: '/auth/users/:user/admin',
      handler: async (request) => {
        const user = { name: param(request, 'user'), admin };
        return viewUser(await answered(request, (asked) => setAdmin(context, user, asked)));
      },
    });
  }

  server.get('/auth/tokens', (request) => {
    const user = isAskedByAdmin(request, state())
      ? query(request, 'user')
      : ownName(query(request, 'user'), askerOf(request), 'list the tokens of');
    const tokens = [...state().tokens.values()].filter(
      (token) => user === undefined || token.user === user,
    );
    return pageOf(request, tokens, { keyOf: ({ id }) => id, view });
  });

  server.post('/auth/tokens', async (request): Promise<NewToken> => {
    const { token: own = null } = request.identity ?? {};
    const made = await answered(request, (asked) =>
      createToken(
        context,
        {
          user: text(request, 'user') ?? askerOf(request).actor,
          name: text(request, 'name') ?? '',
          lifetimeMs: (request.body as CreateToken | undefined)?.lifetime,
          notAfter: own?.expires ?? null,
          ...(text(request, 'kind') === 's3' ? { sealer: secrets.sealer } : {}),
        },
        { random, request: asked },
      ),
    );
    return { ...view(made.token), secret: made.secret };
  });

  server.delete('/auth/tokens/:token', async (request) => {
    const id = param(request, 'token');
    return view(await answered(request, (asked) => revokeToken(context, id, asked)));
  });

  server.get('/auth/roles', (request) => {
    const user = query(request, 'user');
    const scope = scopeIn((name) => query(request, name));
    if (scope !== undefined) {
      demandFor(request, state(), { role: 'owner', scope });
    }
    const mayAskForAll = scope !== undefined || isAskedByAdmin(request, state());
    const roles = listRoles(state(), {
      scope,
      user: mayAskForAll ? user : ownName(user, askerOf(request), 'list the roles of'),
    });
    return pageOf(request, roles, {
      keyOf: (grant) => `${grant.user} ${grant.scope}`,
      view: viewGrant,
    });
  });

  server.put('/auth/roles', async (request) => {
    const role = text(request, 'role') as Role;
    const wanted = { ...grantee((name) => text(request, name)), role };
    return viewGrant(await answered(request, (asked) => grantRole(context, wanted, asked)));
  });

  server.delete('/auth/roles', async (request, reply) => {
    const wanted = grantee((name) => query(request, name));
    await answered(request, (asked) => revokeRole(context, wanted, asked));
    return reply.code(204).send();
  });

  server.get('/auth/check', (request): RoleCheck => {
    const asker = askerOf(request);
    const scope = scopeIn((name) => query(request, name));
    const user = query(request, 'user') ?? asker.actor;
    if (scope === undefined) {
      throw noScope();
    }
    if (user !== asker.actor) {
      demandFor(request, state(), { role: 'owner', scope });
    }
    const who = user === asker.actor ? asker : { actor: user, user: findUser(state(), user).id };
    return { user, role: roleOn(state(), who, scope) ?? null };
  });

  /** Whoever is no admin asks for themselves. */
  function ownName(wanted: string | undefined, asker: Asker, doing: string): string {
    if (wanted !== undefined) {
      demandOwn(state(), asker, { name: wanted, doing });
    }
    return asker.actor;
  }

  function view(token: TokenRecord): Token {
    const { id, user, name, created, expires, revoked, hash } = token;
    const isOver = expires !== null && expires <= context.clock.now();
    return {
      id,
      user,
      name,
      kind: hash === null ? 's3' : 'token',
      created: isoTime(created),
      expires: isoOrNull(expires),
      revoked: isoOrNull(revoked),
      state: revoked !== null ? 'revoked' : isOver ? 'expired' : 'good',
    };
  }
}

/** Returns who sends a request, and what they may do. */
export function whoIs(context: PfsContext, request: FastifyRequest): WhoAmI {
  const { state } = context.journal;
  const asker = askerOf(request);
  const { token = null } = request.identity ?? {};
  return {
    name: asker.actor,
    robot: state.users.get(asker.actor)?.robot === true,
    admin: isAdmin(state, asker),
    expires: isoOrNull(token?.expires ?? null),
    roles: asker.user === undefined ? [] : listRoles(state, { user: asker.actor }).map(viewGrant),
  };
}

function viewUser({ name, robot, admin, created }: UserRecord): User {
  return { name, robot, admin, created: isoTime(created) };
}

function viewGrant({ user, scope, role }: GrantRecord): Grant {
  const slash = scope.indexOf('/');
  return { user, role, [scope.slice(0, slash)]: scope.slice(slash + 1) };
}

function grantee(field: (name: string) => string | undefined) {
  const scope = scopeIn(field);
  const user = field('user');
  if (scope === undefined || user === undefined) {
    throw scope === undefined
      ? noScope()
      : new EngineError('invalid', 'Cannot change a role: name the user');
  }
  return { user, scope };
}

function scopeIn(field: (name: string) => string | undefined): string | undefined {
  const [repo, project, secret] = ['repo', 'project', 'secret'].map(field);
  if ([repo, project, secret].filter((one) => one !== undefined).length > 1) {
    throw new EngineError(
      'invalid',
      'Cannot tell what is meant: name a repo, a project or a secret',
    );
  }
  if (repo !== undefined) {
    const [from = '', name = ''] = repo.split('/');
    return repoScope(repoKeyOf(from, name));
  }
  if (project !== undefined) {
    checkName('project', project);
    return projectScope(project);
  }
  return secret === undefined ? undefined : secretScope(secret);
}

function noScope(): EngineError {
  return new EngineError(
    'invalid',
    'Cannot tell what is meant: name a repo, a project or a secret',
  );
}
