// The routes of tags, merges, removals and projects exist and answer what they say.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Branch, Commit, File, Page } from '../../../engine/server/wire.ts';
import type { Transaction } from '../../../engine/server/wire-transactions.ts';
import type {
  FoundCommit,
  MergeResult,
  Project,
  RemovedSet,
  Tag,
} from '../../../engine/server/wire-versions.ts';
import { newKey, TestServer } from '../../support/server.ts';

const REPO = '/repos/default/data';

/** A server with a repo of three commits; returns their ids. */
async function rig(t: Parameters<typeof TestServer.start>[0]) {
  const server = await TestServer.start(t, { idle: true });
  await server.engine.repos('data');
  const ids: string[] = [];
  for (const file of ['0', '1', '2']) {
    ids.push((await server.engine.put('data@master', { [file]: file })).id);
  }
  const head = async (branch = 'master') =>
    (await server.json<Branch>('GET', `${REPO}/branches/${branch}`)).head;
  return { server, ids, head };
}

it('tags are made, moved by force, listed, resolved and deleted', async (t) => {
  const { server, ids } = await rig(t);
  const put = (head: string) => ({ body: { head, description: 'd' } });
  const made = await server.json<Tag>('PUT', `${REPO}/tags/v1.0`, put('master^'));
  assert.deepEqual([made.name, made.commit, made.description], ['v1.0', ids[1], 'd']);
  const refused = await server.problem('PUT', `${REPO}/tags/v1.0`, put('master'));
  assert.deepEqual([refused.status, refused.code], [409, 'already_exists']);
  await server.json<Tag>('PUT', `${REPO}/tags/v1.0?force=true`, put('master.1'));
  await server.json<Tag>('PUT', `${REPO}/tags/v2`, put('v1.0'));
  const tags = await server.all<Tag>(`${REPO}/tags`);
  assert.deepEqual(
    tags.map(({ name, commit }) => [name, commit]),
    [
      ['v1.0', ids[0]],
      ['v2', ids[0]],
    ],
  );
  const files = await server.json<Page<File>>('GET', `${REPO}/files/v1.0/list`);
  assert.deepEqual(
    files.items.map(({ path }) => path),
    ['/0'],
  );
  assert.equal((await server.json<Tag>('GET', `${REPO}/tags/v2`)).commit, ids[0]);
  assert.equal((await server.ask('DELETE', `${REPO}/tags/v2`)).status, 204);
  assert.equal((await server.problem('GET', `${REPO}/tags/v2`)).code, 'not_found');
  assert.equal((await server.problem('PUT', `${REPO}/tags/a..b`, put('master'))).code, 'invalid');
});

it('sets that were made from one go before it where that is asked for', async (t) => {
  const server = await TestServer.start(t);
  const { engine } = server;
  await engine.repos('data', 'other');
  await engine.put('other@master', { o: '0' });
  const first = await engine.put('data@master', { a: '0' });
  await engine.pipeline({
    name: 'joined',
    input: {
      cross: [{ pfs: { repo: 'data', glob: '/' } }, { pfs: { repo: 'other', glob: '/' } }],
    },
  });
  const put = async (to: string, name: string) => {
    const { id } = await engine.put(`${to}@master`, { [name]: name });
    await engine.settled();
    return id;
  };
  const one = await put('data', 'b');
  const two = await put('other', 'p');
  // A set of both, so that nothing more is made from the one before.
  const { id: three } = await server.json<Transaction>('POST', '/transactions');
  const headers = { 'pfs-transaction': three };
  for (const repo of ['data', 'other']) {
    const start = { body: { branch: 'master' }, headers };
    await server.json<Commit>('POST', `/repos/default/${repo}/commits`, start);
  }
  await server.json('POST', `/transactions/${three}/finish`, { key: newKey() });
  for (const repo of ['data', 'other']) {
    await engine.put(`${repo}@master`, { c: 'c' });
    await server.json<Commit>('POST', `/repos/default/${repo}/commits/${three}/finish`, {
      body: {},
    });
  }
  await engine.settled();
  const four = await put('data', 'd');
  const refused = await server.problem('POST', `/commit-sets/${one}/squash`);
  assert.match(refused.detail, new RegExp(`commit set ${two}.* was made from it`));
  const key = newKey();
  const squash = () =>
    server.json<RemovedSet>('POST', `/commit-sets/${one}/squash?recursive=true`, { key });
  const removed = await squash();
  assert.deepEqual([...new Set(removed.commits.map(({ commit }) => commit))], [two, one]);
  assert.equal((await squash()).id, one);
  for (const id of [one, two]) {
    const gone = await server.problem('GET', `/repos/default/joined/commits/${id}`);
    assert.equal(gone.code, 'not_found');
  }
  assert.deepEqual(Object.keys(await engine.read(`data@${three}`)), ['a', 'b', 'c']);
  assert.ok(four > three);
  // The newest set stands on the one before: dropping that takes both.
  const dropped = await server.json<RemovedSet>('DELETE', `/commit-sets/${three}?recursive=true`);
  assert.deepEqual([...new Set(dropped.commits.map(({ commit }) => commit))], [four, three]);
  assert.deepEqual(Object.keys(await engine.read('data@master')), ['a']);
  assert.ok(first.id < one);
});

it('commit sets are squashed and dropped, and a retry gets the first answer', async (t) => {
  const { server, ids, head } = await rig(t);
  const key = newKey();
  const squash = () => server.json<RemovedSet>('POST', `/commit-sets/${ids[1]}/squash`, { key });
  const removed = await squash();
  assert.deepEqual(removed, {
    id: ids[1],
    commits: [{ repo: { project: 'default', name: 'data' }, name: 'master', commit: ids[1] }],
  });
  assert.deepEqual(await squash(), removed);
  assert.equal((await server.problem('GET', `${REPO}/commits/${ids[1]}`)).code, 'not_found');
  const child = await server.problem('DELETE', `/commit-sets/${ids[0]}`);
  assert.deepEqual([child.status, child.code], [412, 'failed_precondition']);
  const drop = { key: newKey() };
  await server.json<RemovedSet>('DELETE', `/commit-sets/${ids[2]}`, drop);
  assert.equal(
    (await server.json<RemovedSet>('DELETE', `/commit-sets/${ids[2]}`, drop)).id,
    ids[2],
  );
  assert.equal(await head(), ids[0]);
  assert.equal((await server.problem('DELETE', `/commit-sets/${ids[2]}`)).code, 'not_found');
});

it('branches are merged and commits reverted; conflicts are an answer that changed nothing', async (t) => {
  const { server, ids, head } = await rig(t);
  await server.json('PUT', `${REPO}/branches/dev`, { body: { head: 'master.1' } });
  await server.engine.put('data@dev', { 0: 'theirs', d: 'd' });
  const merge = (body: object, key = newKey()) =>
    server.json<MergeResult>('POST', `${REPO}/branches/master/merge`, { body, key });
  const key = newKey();
  const merged = await merge({ source: 'dev' }, key);
  assert.deepEqual([merged.outcome, merged.commit?.parent], ['merged', ids[2]]);
  assert.deepEqual(await merge({ source: 'dev' }, key), merged, 'the retry');
  assert.equal((await merge({ source: 'dev' })).outcome, 'up_to_date');
  assert.equal(merged.commit?.merged, await head('dev'));
  const revert = (ref: string, body: object = {}) =>
    server.json<MergeResult>('POST', `${REPO}/commits/${ref}/revert`, { body });
  const reverted = await revert('master', { description: 'no' });
  assert.deepEqual([reverted.outcome, reverted.commit?.description], ['reverted', 'no']);
  const shown = await server.json<Page<File>>('GET', `${REPO}/files/master/list`);
  assert.deepEqual(
    shown.items.map(({ path }) => path),
    ['/0', '/1', '/2'],
  );
  await server.engine.put('data@dev', { 1: 'other' });
  await server.engine.put('data@master', { 1: 'mine' });
  const before = await head();
  const conflict = await merge({ source: 'dev' });
  assert.deepEqual(conflict, {
    outcome: 'conflicts',
    commit: null,
    conflicts: [{ path: '/1', ours: 'added', theirs: 'added' }],
    conflictCount: 1,
  });
  assert.equal(await head(), before);
  assert.equal(
    (await merge({ source: 'dev', favour: 'theirs', fastForward: false })).outcome,
    'merged',
  );
  const wrong = { body: { source: 'dev', favour: 'both' } };
  assert.equal(
    (await server.problem('POST', `${REPO}/branches/master/merge`, wrong)).code,
    'invalid',
  );
  const commit = await server.json<Commit>('GET', `${REPO}/commits/master`);
  assert.equal(commit.merged, await head('dev'));
});

it('the commits that changed a path are a stream', async (t) => {
  const { server, ids } = await rig(t);
  await server.engine.put('data@master', { 0: 'changed' });
  const found = async (query: string) => {
    const { text } = await server.ask('GET', `${REPO}/files/master/commits?${query}`);
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as FoundCommit);
  };
  const all = await found('path=/0');
  assert.deepEqual(
    all.map(({ kind, commit, file }) => [kind, commit.parent, file?.size]),
    [
      ['changed', ids[2], 7],
      ['added', null, 1],
    ],
  );
  assert.equal((await found('path=/0&limit=1')).length, 1);
  const [none] = await found('path=/none');
  assert.equal((none as unknown as { problem: { code: string } }).problem.code, 'not_found');
  assert.equal(
    (await server.problem('GET', `${REPO}/files/nowhere/commits?path=/0`)).code,
    'not_found',
  );
});

it('projects are made, described, listed and deleted', async (t) => {
  const { server } = await rig(t);
  const made = await server.json<Project>('POST', '/projects', { body: { name: 'team' } });
  assert.deepEqual([made.name, made.repos, made.pipelines], ['team', 0, 0]);
  await server.json('POST', '/repos', { body: { project: 'used', name: 'r' } });
  const body = { description: 'what for' };
  assert.equal(
    (await server.json<Project>('PATCH', '/projects/used', { body })).description,
    'what for',
  );
  const projects = await server.all<Project>('/projects');
  assert.deepEqual(
    projects.map(({ name, repos }) => [name, repos]),
    [
      ['default', 1],
      ['team', 0],
      ['used', 1],
    ],
  );
  assert.equal((await server.problem('DELETE', '/projects/used')).code, 'failed_precondition');
  assert.equal((await server.ask('DELETE', '/projects/used?force=true')).status, 204);
  assert.equal((await server.problem('GET', '/projects/used')).code, 'not_found');
  assert.equal((await server.problem('GET', '/repos/used/r')).code, 'not_found');
});
