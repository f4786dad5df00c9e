// Browsers' sign-ins: what the cookie opens, and what ends it.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { revokeToken } from '../../../engine/auth/tokens.ts';
import { SystemRandom } from '../../../engine/base/random.ts';
import type { Identity } from '../../../engine/server/identity.ts';
import { Sessions } from '../../../engine/server/sessions.ts';
import type { SessionCode, WhoAmI } from '../../../engine/server/wire-auth.ts';
import { account } from '../../support/accounts.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { TestServer, TOKEN } from '../../support/server.ts';

const LOCAL = { actor: 'local' };

function cookieOf(headers: { readonly 'set-cookie'?: readonly string[] | undefined }): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

async function begin(server: TestServer, body: object): Promise<string> {
  const { status, headers, text } = await server.ask('POST', '/session', { token: null, body });
  assert.equal(status, 200, text);
  return cookieOf(headers);
}

it('a token becomes a cookie that no script reads, and that changes things from the own page only', async (t) => {
  const server = await TestServer.start(t);
  const { secret } = await account(server.engine.pfs.context, 'ann', { admin: true });
  const answer = await server.ask('POST', '/session', { token: null, body: { token: secret } });
  const who = JSON.parse(answer.text) as WhoAmI;
  assert.equal(who.name, 'ann');
  const set = answer.headers['set-cookie']?.[0] ?? '';
  assert.match(set, /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  assert.ok(!set.includes(secret) && !answer.text.includes(secret));
  const cookie = cookieOf(answer.headers);
  const origin = `http://127.0.0.1:${server.port}`;
  const repo = (name: string, headers: Record<string, string>) =>
    server.ask('POST', '/repos', {
      token: null,
      headers: { cookie, ...headers },
      body: { project: 'default', name },
    });
  assert.equal((await repo('a', { origin })).status, 200);
  assert.equal((await repo('b', {})).status, 401);
  assert.equal((await repo('b', { origin: 'http://evil.example' })).status, 401);
  const asked = { token: null, headers: { cookie } };
  assert.equal((await server.json<WhoAmI>('GET', '/session', asked)).name, 'ann');
  const ended = await server.ask('DELETE', '/session', {
    token: null,
    headers: { cookie, origin },
  });
  assert.equal(ended.status, 204);
  assert.match(ended.headers['set-cookie']?.[0] ?? '', /Max-Age=0/);
  assert.equal((await server.problem('GET', '/session', asked)).code, 'unauthenticated');
});

it('a session ends with its token', async (t) => {
  const server = await TestServer.start(t);
  const { context } = server.engine.pfs;
  const { secret, id } = await account(context, 'ann');
  const cookie = await begin(server, { token: secret });
  const asked = { token: null, headers: { cookie } };
  assert.equal((await server.ask('GET', '/session', asked)).status, 200);
  await revokeToken(context, id, LOCAL);
  assert.equal((await server.ask('GET', '/session', asked)).status, 401);
});

it('of a proxy that is trusted the engine believes who asks, and whether over TLS; of nobody else', async (t) => {
  const clock = new ManualClock();
  const behind = await TestServer.start(t, { clock, idle: true, trustedProxies: ['127.0.0.1'] });
  const alone = await TestServer.start(t, { clock, idle: true, trustedProxies: ['10.0.0.0/8'] });
  const signIn = (server: TestServer, token: string, address: string) =>
    server.ask('POST', '/session', {
      token: null,
      body: { token },
      headers: { 'x-forwarded-proto': 'https', 'x-forwarded-for': address },
    });
  const isSecure = async (server: TestServer) => {
    const { headers } = await signIn(server, TOKEN, '192.0.2.1');
    const isStrict = headers['strict-transport-security'] !== undefined;
    return [headers['set-cookie']?.[0]?.endsWith('; Secure'), isStrict];
  };
  assert.deepEqual(await isSecure(behind), [true, true]);
  assert.deepEqual(await isSecure(alone), [false, false]);
  // What a client says of itself stands before what the proxy adds, and counts for nothing.
  for (const [server, expected] of [
    [behind, [429, 200]],
    [alone, [429, 429]],
  ] as const) {
    for (let count = 0; count < 10; count++) {
      const { status } = await signIn(server, 'wrong', `203.0.113.${count}, 192.0.2.1`);
      assert.equal(status, 401);
    }
    const statuses = [
      (await signIn(server, TOKEN, '192.0.2.1')).status,
      (await signIn(server, TOKEN, '192.0.2.2')).status,
    ];
    assert.deepEqual(statuses, expected);
  }
});

it('one user has a hundred sessions: the oldest ends, and none of anybody else', () => {
  const clock = new ManualClock();
  const sessions = new Sessions({ clock, random: new SystemRandom() });
  const of = (name: string): Identity => ({
    asker: { actor: name, user: `id of ${name}` },
    token: null,
  });
  const bob = sessions.begin(of('bob')).secret;
  const made = Array.from({ length: 150 }, () => sessions.begin(of('ann')).secret);
  assert.equal(sessions.find(bob)?.asker.actor, 'bob');
  const open = made.map((secret) => sessions.find(secret) !== undefined);
  assert.deepEqual(open, [...Array(50).fill(false), ...Array(100).fill(true)]);
});

it('a code is good once, and for a minute', async (t) => {
  const clock = new ManualClock();
  const server = await TestServer.start(t, { clock, idle: true });
  const { code } = await server.json<SessionCode>('POST', '/session/codes');
  const cookie = await begin(server, { code });
  const { name } = await server.json<WhoAmI>('GET', '/session', {
    token: null,
    headers: { cookie },
  });
  assert.equal(name, 'local');
  const again = { token: null, body: { code } };
  assert.equal((await server.problem('POST', '/session', again)).code, 'unauthenticated');
  const late = await server.json<SessionCode>('POST', '/session/codes');
  await clock.pass(60_000);
  const body = { code: late.code };
  assert.equal((await server.problem('POST', '/session', { token: null, body })).status, 401);
});

it('failed sign-ins are slowed down, and others are not looked at for a minute', async (t) => {
  const clock = new ManualClock();
  const server = await TestServer.start(t, { clock, idle: true });
  const wrong = { token: null, body: { token: 'wrong' } };
  for (let count = 0; count < 10; count++) {
    assert.equal((await server.problem('POST', '/session', wrong)).status, 401);
  }
  const right = { token: null, body: { token: TOKEN } };
  for (const tried of [wrong, right]) {
    const problem = await server.problem('POST', '/session', tried);
    assert.deepEqual([problem.status, problem.code], [429, 'rate_limited']);
  }
  await clock.pass(60_000);
  await begin(server, { token: TOKEN });
  for (const body of [{}, { token: TOKEN, code: 'x' }, { token: 1 }]) {
    assert.equal((await server.problem('POST', '/session', { token: null, body })).code, 'invalid');
  }
});
