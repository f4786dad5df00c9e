// Who may do what, route by route and role by role: every route that the server has is tried by everyone.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { revokeToken } from '../../../engine/auth/tokens.ts';
import { createRepo } from '../../../engine/pfs/repos.ts';
import { ACCESS, type Access } from '../../../engine/server/access.ts';
import { account } from '../../support/accounts.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { TestServer } from '../../support/server.ts';

const LOCAL = { actor: 'local' };

/** What stands in the place of each name in a path. */
const NAMES: Readonly<Record<string, string>> = {
  project: 'team',
  repo: 'data',
  pipeline: 'data',
  name: 'key',
};
/** They hang up on purpose, end the engine, or stay open: who is let in is told otherwise. */
const NEVER_LET_IN = /\/engine\/stop|\/events$|\/subscribe$|\/store\/|\/collection$|\/wait$/;
const ROLES = ['none', 'reader', 'writer', 'owner', 'admin'] as const;

type Who = (typeof ROLES)[number] | 'missing' | 'wrong' | 'expired' | 'revoked' | 'other';

it('the table has every route of the server, and no other', async (t) => {
  const { routes } = await TestServer.start(t);
  const has = routes.filter((route) => !/^(?:OPTIONS|TRACE|CONNECT) /.test(route));
  assert.ok(has.length > 100, `${has.length} routes were found`);
  assert.deepEqual([...ACCESS.keys()].sort(), [...new Set(has)].sort());
});

it('every route lets in who may, and nobody else', { timeout: 240_000 }, async (t) => {
  const server = await TestServer.start(t, { clock: new ManualClock(), idle: true });
  const tokens = await people(server);
  for (const [route, access] of ACCESS) {
    const tries = [...tokens].map(async ([who, token]) => {
      const expected = outcome(access, who);
      // Whether they find anything there does not matter: nothing is.
      if (expected === 'denied' || expected === 'unknown' || !NEVER_LET_IN.test(route)) {
        assert.equal(await answerTo(server, { route, token }), expected, `${who}: ${route}`);
      }
    });
    await Promise.all(tries);
  }
  assert.deepEqual(server.faults, []);
});

it('a role on one repo opens that repo, and nothing beside it', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  const { context } = server.engine.pfs;
  for (const key of ['team/data', 'team/other']) {
    await createRepo(context, { key, description: '' }, LOCAL);
  }
  const { secret: token } = await account(context, 'ann', {
    roles: { 'repo/team/data': 'reader' },
  });
  for (const [route, access] of ACCESS) {
    if (typeof access === 'string' || access.secret || NEVER_LET_IN.test(route)) {
      continue;
    }
    const opens = access.repo === 'reader' || access.pipeline === 'reader';
    const got = await answerTo(server, { route, token });
    assert.equal(got, opens ? 'in' : 'denied', route);
    const beside = await answerTo(server, { route, token, names: { ...NAMES, repo: 'other' } });
    assert.equal(beside, access.repo || !opens ? 'denied' : 'in', `${route} of another repo`);
  }
});

/** Makes somebody of each kind; resolves with their tokens. */
async function people({ engine }: TestServer): Promise<Map<Who, string | null>> {
  const { context } = engine.pfs;
  const tokens = new Map<Who, string | null>([
    ['missing', null],
    ['wrong', `pfs_${'x'.repeat(43)}`],
  ]);
  for (const role of ['reader', 'writer', 'owner'] as const) {
    const roles = { 'project/team': role, 'secret/key': role };
    tokens.set(role, (await account(context, role, { roles })).secret);
  }
  const elsewhere = { 'project/elsewhere': 'owner' } as const;
  tokens.set('other', (await account(context, 'other', { roles: elsewhere })).secret);
  tokens.set('none', (await account(context, 'nobody')).secret);
  tokens.set('admin', (await account(context, 'boss', { admin: true })).secret);
  const short = await account(context, 'short', { admin: true, lifetimeMs: 1 });
  tokens.set('expired', short.secret);
  const revoked = await account(context, 'gone', { admin: true });
  await revokeToken(context, revoked.id, LOCAL);
  tokens.set('revoked', revoked.secret);
  await (context.clock as ManualClock).pass(1);
  return tokens;
}

async function answerTo(
  server: TestServer,
  asked: {
    readonly route: string;
    readonly token: string | null;
    readonly names?: Readonly<Record<string, string>>;
  },
): Promise<'in' | 'denied' | 'unknown'> {
  const { token, names = NAMES } = asked;
  const [method = '', template = ''] = asked.route.split(' ');
  const path = template.replace(/:([a-z]+)/g, (_all, name: string) => names[name] ?? 'x');
  const isSent = method !== 'GET' && method !== 'DELETE';
  const headers = isSent ? { 'content-type': 'text/plain' } : {};
  const response = await server.open(method, path, { token, headers });
  const { statusCode } = response;
  response.destroy();
  return statusCode === 401 ? 'unknown' : statusCode === 403 ? 'denied' : 'in';
}

function outcome(access: Access, who: Who): 'in' | 'denied' | 'unknown' {
  if (access === 'open') {
    return 'in';
  }
  if (who === 'missing' || who === 'wrong' || who === 'expired' || who === 'revoked') {
    return 'unknown';
  }
  if (access === 'user' || who === 'admin') {
    return 'in';
  }
  if (access === 'admin' || who === 'none' || who === 'other') {
    return 'denied';
  }
  const [needed = 'owner'] = Object.values(access);
  return ROLES.indexOf(who) >= ROLES.indexOf(needed) ? 'in' : 'denied';
}
