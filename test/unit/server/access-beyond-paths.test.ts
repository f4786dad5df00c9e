// What no path names: what lists show, what changes touch beside it, whose rights pipelines have, and requests that go on.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { revokeToken } from '../../../engine/auth/tokens.ts';
import { deleteUser, grantRole, revokeRole } from '../../../engine/auth/users.ts';
import { readableNames } from '../../../engine/server/identity.ts';
import { FRAMES_TYPE, type Page, type Problem, type Repo } from '../../../engine/server/wire.ts';
import type { Grant } from '../../../engine/server/wire-auth.ts';
import type { Commit } from '../../../engine/server/wire-commits.ts';
import type { Job } from '../../../engine/server/wire-jobs.ts';
import type { Why } from '../../../engine/server/wire-why.ts';
import { account } from '../../support/accounts.ts';
import { frames, TestServer } from '../../support/server.ts';

const LOCAL = { actor: 'local' };

/** A server with two projects; ann writes in `team`, and may read nothing of `other`. */
async function start(t: Parameters<typeof TestServer.start>[0]) {
  const server = await TestServer.start(t);
  const { context } = server.engine.pfs;
  for (const [project, name] of [
    ['team', 'mine'],
    ['other', 'theirs'],
  ]) {
    await server.json('POST', '/repos', { body: { project, name } });
  }
  const { secret: token, id } = await account(context, 'ann', {
    roles: { 'project/team': 'writer' },
  });
  return { server, context, token, id };
}

function spec(name: string, input: object): string {
  return JSON.stringify({
    pipeline: { name, project: { name: 'team' } },
    transform: { image: 'busybox', cmd: ['copy'] },
    input,
  });
}

const THEIRS = { pfs: { project: 'other', repo: 'theirs', glob: '/*' } };
const text = { 'content-type': 'text/plain' };

async function code(server: TestServer, ...asked: Parameters<TestServer['ask']>): Promise<string> {
  const { status, text: answer } = await server.ask(...asked);
  return status < 400 ? 'ok' : (JSON.parse(answer) as Problem).code;
}

async function putTheirs(server: TestServer, content: string): Promise<void> {
  await server.json('POST', '/repos/other/theirs/files/master', {
    headers: { 'content-type': FRAMES_TYPE },
    body: frames({ '/hidden': content }),
  });
}

it('lists show what one may read; commits and the journal name who made them', async (t) => {
  const { server, token } = await start(t);
  const repos = await server.json<Page<Repo>>('GET', '/repos', { token });
  assert.deepEqual(
    repos.items.map(({ project, name }) => `${project}/${name}`),
    ['team/mine'],
  );
  const projects = await server.json<Page<{ name: string }>>('GET', '/projects', { token });
  assert.deepEqual(
    projects.items.map(({ name }) => name),
    ['team'],
  );
  const body = { branch: 'master' };
  const own = await server.json<Commit>('POST', '/repos/team/mine/commits', { token, body });
  assert.equal(own.by, 'ann');
  await server.json('POST', `/repos/team/mine/commits/${own.id}/finish`, { token, body: {} });
  const foreign = await server.json<Commit>('POST', '/repos/other/theirs/commits', { body });
  assert.equal(foreign.by, 'local');
  const sets = await server.json<Page<{ id: string }>>('GET', '/commit-sets', { token });
  assert.deepEqual(
    sets.items.map(({ id }) => id),
    [own.id],
  );
  assert.equal(await code(server, 'GET', `/commit-sets/${foreign.id}`, { token }), 'not_found');
  const journal = await server.json<Page<{ transactions: { actor: string }[] }>>('GET', '/journal');
  const actors = journal.items.flatMap(({ transactions }) => transactions.map((one) => one.actor));
  assert.ok(actors.includes('ann') && actors.includes('local'));
});

it('what a change touches beside its path needs its own right', async (t) => {
  const { server, context, token } = await start(t);
  const source = { repo: { project: 'other', name: 'theirs' }, ref: 'master', path: '/a' };
  const copy = { token, body: { source, path: '/a' } };
  const denied = 'permission_denied';
  assert.equal(await code(server, 'POST', '/repos/team/mine/files/master/copy', copy), denied);
  const diff = `/repos/team/mine/files/master/diff?old=${encodeURIComponent('other/theirs@master:/')}`;
  assert.equal(await code(server, 'GET', diff, { token }), denied);
  for (const path of ['/pipelines?project=team', '/previews?project=team', '/validations']) {
    const asked = { token, headers: text, body: spec('spy', THEIRS) };
    assert.equal(await code(server, 'POST', path, asked), denied, path);
  }
  const elsewhere = { token, body: { project: 'other', name: 'new' } };
  assert.equal(await code(server, 'POST', '/repos', elsewhere), denied);
  assert.equal(await code(server, 'GET', '/logs?project=other&pipeline=x', { token }), denied);
  assert.equal(
    await code(server, 'GET', '/provenance?repo=other/theirs&ref=master', { token }),
    denied,
  );
  // A transaction is decided with the rights of who started it, and is nobody else's.
  const { id } = await server.json<{ id: string }>('POST', '/transactions', { token });
  const within = { token, headers: { 'pfs-transaction': id } };
  const added = { ...within, body: { project: 'team', name: 'second' } };
  assert.equal(await code(server, 'POST', '/repos', added), 'ok');
  const { secret: bob } = await account(context, 'bob', { roles: { 'project/team': 'owner' } });
  assert.equal(await code(server, 'POST', `/transactions/${id}/finish`, { token: bob }), denied);
  await revokeRole(context, { user: 'ann', scope: 'project/team' }, LOCAL);
  assert.equal(await code(server, 'POST', `/transactions/${id}/finish`, { token }), denied);
});

it('what a transaction changes needs the rights of who started it, whoever finishes it', async (t) => {
  const { server, context, token } = await start(t);
  const { secret: boss } = await account(context, 'boss', { admin: true });
  const stage = async (...names: readonly string[]) => {
    const { id } = await server.json<{ id: string }>('POST', '/transactions', { token });
    for (const name of names) {
      await server.json('POST', '/repos', {
        token,
        headers: { 'pfs-transaction': id },
        body: { project: 'team', name },
      });
    }
    return id;
  };
  const finish = (id: string, who: string) =>
    code(server, 'POST', `/transactions/${id}/finish`, { token: who });
  const first = await stage('first');
  const beyond = { headers: { 'pfs-transaction': first }, body: { project: 'other', name: 'new' } };
  assert.equal(
    await code(server, 'POST', '/repos', { ...beyond, token: boss }),
    'permission_denied',
  );
  assert.equal(await finish(first, boss), 'ok');
  const { items } = await server.json<Page<Grant>>('GET', '/auth/roles?repo=team/first', { token });
  assert.deepEqual(items, [{ user: 'ann', repo: 'team/first', role: 'owner' }]);
  const second = await stage('second');
  server.engine.executor.setCode('copy', () => 1);
  await putTheirs(server, '1');
  await server.json('POST', '/pipelines?project=team', {
    headers: text,
    body: spec('copy', THEIRS),
  });
  await server.engine.settled();
  const jobs = await server.json<Page<Job>>('GET', '/jobs?project=team&pipeline=copy', { token });
  const { id: third } = await server.json<{ id: string }>('POST', '/transactions', { token });
  const retry = { token, headers: { 'pfs-transaction': third } };
  const path = `/pipelines/team/copy/jobs/${jobs.items[0]?.id}/retry`;
  assert.equal(await code(server, 'POST', path, retry), 'ok');
  await revokeRole(context, { user: 'ann', scope: 'project/team' }, LOCAL);
  for (const id of [second, third]) {
    assert.equal(await finish(id, boss), 'permission_denied');
  }
  await deleteUser(context, 'ann', LOCAL);
  const later = await account(context, 'ann', { roles: { 'project/team': 'owner' } });
  const seen = await server.json<Page<object>>('GET', '/transactions', { token: later.secret });
  assert.deepEqual(seen.items, []);
  assert.equal(await finish(second, later.secret), 'permission_denied');
  assert.equal(await finish(second, boss), 'permission_denied');
  assert.equal(
    (await server.ask('DELETE', `/transactions/${second}`, { token: boss })).status,
    204,
  );
});

it('a pipeline reads with the rights of its maker, and fails with the reason without them', async (t) => {
  const { server, context, token } = await start(t);
  const scope = 'repo/other/theirs';
  await grantRole(context, { user: 'ann', scope, role: 'reader' }, LOCAL);
  const made = { token, headers: text, body: spec('copy', THEIRS) };
  assert.equal(await code(server, 'POST', '/pipelines?project=team', made), 'ok');
  await revokeRole(context, { user: 'ann', scope }, LOCAL);
  const begun = await server.json<Commit>('POST', '/repos/other/theirs/commits', {
    body: { branch: 'master' },
  });
  await server.json('POST', `/repos/other/theirs/commits/${begun.id}/finish`, { body: {} });
  const failed = await context.journal.waitFor((state) => {
    const pipeline = state.pipelines.get('team/copy');
    return pipeline?.state === 'failure' ? pipeline : undefined;
  });
  assert.match(failed.reason, /user ann, .* may not read repo "other\/theirs" any more/);
});

it('what something was made from is told without the names, paths and contents of what one may not read', async (t) => {
  const { server, token } = await start(t);
  server.engine.executor.setCode('copy', (run) => run.write('f', 'x'));
  await putTheirs(server, '1');
  await server.json('POST', '/pipelines?project=team', {
    headers: text,
    body: spec('copy', THEIRS),
  });
  await server.engine.settled();
  await putTheirs(server, '2');
  await server.engine.settled();
  const { items } = await server.json<Page<Job>>('GET', '/jobs?project=team&pipeline=copy');
  const job = items[0]?.id;
  const why = async (asker: { token?: string }) =>
    (
      await server.json<Why>('GET', `/pipelines/team/copy/jobs/${job}/why?path=/f`, asker)
    ).datums.map(({ datum, differences }) => [
      datum.inputs.map(({ path }) => path),
      differences.map(({ was, is }) => typeof (was ?? is)),
    ]);
  const made = async (asker: { token?: string }) => {
    const get = <T extends { provenance: readonly object[] }>(path: string) =>
      server.json<Page<T>>('GET', path, asker);
    const [commits, sets, jobs] = [
      await get<Commit>('/repos/team/copy/commits'),
      await get<Commit>(`/commit-sets/${job}`),
      await get<Job>('/jobs?project=team&pipeline=copy'),
    ].map((page) => page.items.find(({ provenance }) => provenance.length > 0));
    return [commits, sets, jobs].map((one) => one?.provenance);
  };
  const [link] = (await made({}))[0] ?? [];
  assert.deepEqual(link, {
    repo: { project: 'other', name: 'theirs' },
    name: 'master',
    commit: job,
  });
  const hidden = { repo: { project: '', name: '' }, name: '', commit: job };
  assert.deepEqual(await made({}), [[link], [link], [link]]);
  assert.deepEqual(await made({ token }), [[hidden], [hidden], [hidden]]);
  assert.deepEqual(await why({}), [[['/hidden'], ['string']]]);
  assert.deepEqual(await why({ token }), [[[''], ['object']]]);
});

it('what was found for one row of a list holds for others until something changes', async (t) => {
  const { context } = await start(t);
  const asker = { actor: 'ann', user: context.journal.state.users.get('ann')?.id ?? '' };
  const request = { identity: { asker, token: null } } as FastifyRequest;
  const mayRead = () =>
    readableNames(request, context.journal)({ project: 'other', name: 'theirs' });
  const wanted = { user: 'ann', scope: 'repo/other/theirs' };
  assert.deepEqual([mayRead(), mayRead()], [false, false]);
  await grantRole(context, { ...wanted, role: 'reader' }, LOCAL);
  assert.deepEqual([mayRead(), mayRead()], [true, true]);
  await revokeRole(context, wanted, LOCAL);
  assert.equal(mayRead(), false);
});

it('a request that follows something ends with the token, and with the role', async (t) => {
  const { server, context, token, id } = await start(t);
  await server.json('PUT', '/repos/team/mine/branches/master', { body: {} });
  const follow = async () => {
    const path = '/api/v1/repos/team/mine/branches/master/subscribe';
    const response = await server.open('GET', path, { token });
    assert.equal(response.statusCode, 200);
    const end = new Promise<void>((resolve) => {
      response.once('error', () => resolve());
      response.once('close', () => resolve());
    });
    return { end, response: response.resume() };
  };
  const first = await follow();
  await revokeRole(context, { user: 'ann', scope: 'project/team' }, LOCAL);
  await first.end;
  await grantRole(context, { user: 'ann', scope: 'project/team', role: 'reader' }, LOCAL);
  const second = await follow();
  await revokeToken(context, id, LOCAL);
  await second.end;
});
