import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Commit, Page, Repo } from '../../../engine/server/wire.ts';
import type { Collection, RepoUsage, Trashed, Usage } from '../../../engine/server/wire-upkeep.ts';
import { TestServer } from '../../support/server.ts';

async function newRepo(server: TestServer, name: string): Promise<void> {
  await server.json('POST', '/repos', { body: { project: 'default', name } });
}

it('what was deleted is listed and comes back, a repo, a branch and a commit', async (t) => {
  const server = await TestServer.start(t);
  await newRepo(server, 'data');
  await server.put('data', { '/a': '1' });
  const { text } = await server.put('data@work', { '/b': '2' });
  const { id } = JSON.parse(text) as Commit;
  await server.ask('DELETE', '/repos/default/data/branches/work');
  await server.ask('DELETE', '/repos/default/data');
  const trash = await server.all<Trashed>('/trash');
  assert.deepEqual(
    trash.map(({ kind, repo, name }) => [kind, repo.name, name]),
    [['repo', 'data', null]],
    'what of it was deleted before went with it',
  );
  const repo = await server.json<Repo>('POST', '/trash/repos/default/data');
  assert.deepEqual(repo.branches, ['master']);
  assert.equal((await server.problem('POST', '/trash/repos/default/data')).status, 409);

  await server.put('data@work', { '/c': '3' });
  await server.ask('DELETE', '/repos/default/data/branches/work');
  await server.json('POST', '/trash/repos/default/data/branches/work');
  assert.equal(
    (await server.problem('POST', '/trash/repos/default/data/branches/work')).status,
    404,
  );
  await server.ask('DELETE', `/commit-sets/${id}`);
  const [commit] = await server.json<Commit[]>('POST', `/trash/commit-sets/${id}`);
  assert.equal(commit?.id, id);
  assert.equal((await server.json<Commit>('GET', `/repos/default/data/commits/${id}`)).files, 1);
  assert.equal(
    (await server.problem('POST', `/trash/repos/default/data/commits/${id}`)).status,
    404,
  );
});

it('a collection says what it does, and a dry one does nothing', async (t) => {
  const server = await TestServer.start(t);
  await newRepo(server, 'gone');
  await server.put('gone', { '/a': 'x' });
  await server.ask('DELETE', '/repos/default/gone');
  const young = await server.json<Collection>('POST', '/collection');
  assert.deepEqual([young.dryRun, young.graceMs, young.trash], [false, 24 * 60 * 60 * 1000, 1]);
  const dry = await server.json<Collection>('POST', '/collection?dryRun=true&grace=0');
  assert.deepEqual([dry.dryRun, dry.emptied, dry.dead.count], [true, 1, 1]);
  assert.equal((await server.all('/trash')).length, 1);
  const real = await server.json<Collection>('POST', '/collection?grace=0');
  assert.deepEqual([real.emptied, real.dead.count], [1, 1]);
  assert.equal((await server.all('/trash')).length, 0);
  const problem = await server.problem('POST', '/collection?grace=-1');
  assert.match(problem.detail ?? '', /grace/);
});

it('which commits stay is set, shown and refused where it makes no sense', async (t) => {
  const server = await TestServer.start(t);
  await newRepo(server, 'data');
  const url = '/repos/default/data';
  assert.equal((await server.json<Repo>('GET', url)).keep, null);
  const keep = { last: 10, forMs: 86_400_000 };
  assert.deepEqual((await server.json<Repo>('PUT', `${url}/retention`, { body: keep })).keep, keep);
  assert.deepEqual((await server.json<Repo>('GET', url)).keep, keep);
  for (const body of [{ last: 0 }, { last: 1.5 }, { forMs: -1 }, { forMs: 'long' }]) {
    assert.equal((await server.problem('PUT', `${url}/retention`, { body })).status, 400);
  }
  assert.equal((await server.json<Repo>('PUT', `${url}/retention`, { body: {} })).keep, null);
});

it('what a repo, a branch and a commit take is told', async (t) => {
  const server = await TestServer.start(t);
  await newRepo(server, 'data');
  const { text } = await server.put('data', { '/a': 'x'.repeat(5000) });
  const { id } = JSON.parse(text) as Commit;
  const { items } = await server.json<Page<RepoUsage>>('GET', '/usage');
  assert.deepEqual(
    items.map(({ repo, commits, logical }) => [repo.name, commits, logical]),
    [['data', 1, 5000]],
  );
  for (const query of ['', '?ref=master', `?ref=${id}`]) {
    const usage = await server.json<Usage>('GET', `/repos/default/data/usage${query}`);
    assert.ok(usage.unique > 5000 && usage.shared === 0 && usage.logical === 5000);
  }
  assert.equal((await server.problem('GET', '/repos/default/nowhere/usage')).status, 404);
});
