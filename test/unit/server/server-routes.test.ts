// Every route of the API exists and answers what it says; lists come page by page.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type {
  Branch,
  Commit,
  CommitSet,
  Datum,
  EngineStatus,
  File,
  FileChange,
  Job,
  JournalEntry,
  Page,
  Pipeline,
  PipelineChange,
  Repo,
} from '../../../engine/server/wire.ts';
import type { FilePage } from '../../../engine/server/wire-files.ts';
import type { Lineage } from '../../../engine/server/wire-lineage.ts';
import { newKey, TestServer } from '../../support/server.ts';

const SPEC = JSON.stringify({
  pipeline: { name: 'copy' },
  transform: { image: 'busybox', cmd: ['run'] },
  input: { pfs: { repo: 'data', glob: '/*' } },
});
const TEXT = { 'content-type': 'text/plain' };

async function withPipeline(t: Parameters<typeof TestServer.start>[0]): Promise<TestServer> {
  const server = await TestServer.start(t);
  server.engine.executor.setCode('copy', async (run) => {
    await run.print('working\n');
    for (const [path, text] of Object.entries(run.input('data'))) {
      run.write(path, text);
    }
  });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
  await server.put('data', { a: 'one', 'd/b': 'two', '*d/run': 'three' });
  await server.json('POST', '/pipelines?file=copy.json', { headers: TEXT, body: SPEC });
  await server.engine.settled();
  return server;
}

it('repos, branches and commits are made, shown, changed and deleted', async (t) => {
  const server = await TestServer.start(t);
  const body = { project: 'default', name: 'r', description: 'first' };
  const made = await server.json<Repo>('POST', '/repos', { body });
  assert.deepEqual(
    [made.name, made.type, made.description, made.branches],
    ['r', 'user', 'first', []],
  );
  assert.equal((await server.problem('POST', '/repos', { body })).code, 'already_exists');
  const changed = await server.json<Repo>('PATCH', '/repos/default/r', {
    body: { description: 'b' },
  });
  assert.equal(changed.description, 'b');

  const start = { branch: 'master', description: 'work' };
  const open = await server.json<Commit>('POST', '/repos/default/r/commits', { body: start });
  assert.equal(open.state, 'open');
  assert.equal((await server.put('r', { a: 'x' })).status, 200);
  const done = await server.json<Commit>('POST', '/repos/default/r/commits/master/finish');
  assert.deepEqual([done.id, done.state, done.files, done.size], [open.id, 'finished', 1, 1]);
  assert.equal(
    (await server.json<Commit>('GET', `/repos/default/r/commits/${open.id}/wait`)).id,
    open.id,
  );
  const again = await server.problem('POST', '/repos/default/r/commits/master/finish');
  assert.equal(again.code, 'failed_precondition');

  const side = await server.json<Branch>('PUT', '/repos/default/r/branches/side', {
    body: { head: 'master' },
  });
  assert.equal(side.head, open.id);
  assert.equal((await server.json<Branch>('GET', '/repos/default/r/branches/side')).name, 'side');
  assert.equal((await server.ask('DELETE', '/repos/default/r/branches/side')).status, 204);
  assert.equal((await server.problem('GET', '/repos/default/r/branches/side')).code, 'not_found');
  assert.equal((await server.ask('GET', '/repos/default/r/export')).status, 200);
  assert.equal((await server.ask('DELETE', '/repos/default/r')).status, 204);
  assert.equal((await server.problem('GET', '/repos/default/r')).code, 'not_found');
});

it('files are put, listed, read, copied, compared and deleted', async (t) => {
  const server = await withPipeline(t);
  const files = '/repos/default/data/files/master';
  const list = await server.json<Page<File>>('GET', `${files}/list`);
  assert.deepEqual(
    list.items.map(({ path, type, size }) => [path, type, size]),
    [
      ['/a', 'file', 3],
      ['/d/', 'dir', 8],
    ],
  );
  const all = await server.all<File>(`${files}/list`);
  assert.deepEqual(all, list.items);
  const second = await server.json<FilePage>('GET', `${files}/list?offset=1&limit=1`);
  assert.deepEqual([second.items, second.offset, second.total], [all.slice(1), 1, 2]);
  const from = await server.json<FilePage>('GET', `${files}/list?from=b`);
  assert.deepEqual([from.items, from.offset], [all.slice(1), 1]);
  assert.equal((await server.problem('GET', `${files}/list?offset=-1`)).code, 'invalid');
  const deep = await server.all<File>(`${files}/list?recursive=true`);
  assert.deepEqual(
    deep.map((file) => file.path),
    ['/a', '/d/b', '/d/run'],
  );
  assert.equal(deep[2]?.executable, true);
  assert.equal((await server.json<File>('GET', `${files}/inspect?path=/d`)).files, 2);
  const globbed = await server.all<File>(`${files}/glob?pattern=/d/**`);
  assert.deepEqual(globbed.map((file) => file.path).sort(), ['/d/b', '/d/run']);
  assert.equal((await server.ask('GET', `${files}/content?path=/a`)).text, 'one');
  assert.equal((await server.ask('GET', `${files}/content?path=/*/*`)).text, 'twothree');
  const body = {
    source: { repo: { project: 'default', name: 'data' }, ref: 'master', path: '/a' },
    path: '/c',
  };
  await server.json('POST', `${files}/copy`, { body });
  assert.equal((await server.ask('GET', `${files}/content?path=c`)).text, 'one');
  const diff = await server.all<FileChange>(`${files}/diff`);
  assert.deepEqual(
    diff.map(({ kind, path }) => [kind, path]),
    [['added', '/c']],
  );
  await server.json('POST', `${files}/delete`, { body: { paths: ['/d', 'c'] } });
  assert.deepEqual(
    (await server.all<File>(`${files}/list`)).map((file) => file.path),
    ['/a'],
  );
  assert.equal((await server.problem('GET', `${files}/inspect?path=/d`)).code, 'not_found');
  assert.equal(
    (await server.problem('GET', `${files.replace('master', 'mastr')}/list`)).code,
    'not_found',
  );
});

it('pipelines, jobs, datums, logs and provenance are told', async (t) => {
  const server = await withPipeline(t);
  const base = '/pipelines/default/copy';
  const pipeline = await server.json<Pipeline>('GET', base);
  assert.deepEqual([pipeline.version, pipeline.userSpec, pipeline.input], [1, SPEC, 'data:/*']);
  const [job] = await server.all<Job>('/jobs');
  assert.ok(job);
  assert.deepEqual([job.pipeline, job.state, job.datums.total], ['copy', 'success', 2]);
  assert.deepEqual(await server.all('/jobs?state=failure'), []);
  assert.equal((await server.all<Job>(`/job-sets/${job.id}`)).length, 1);
  assert.deepEqual((await server.json<Job>('GET', `${base}/jobs/${job.id}`)).failed, []);
  const datums = await server.all<Datum>(`${base}/jobs/${job.id}/datums`);
  assert.deepEqual(
    datums.map(({ state }) => state),
    ['success', 'success'],
  );
  const one = await server.json<Datum>('GET', `${base}/jobs/${job.id}/datums/${datums[0]?.id}`);
  assert.equal(one.inputs[0]?.name, 'data');
  const waited = await server.ask('GET', `${base}/jobs/${job.id}/wait`);
  assert.equal((JSON.parse(waited.text.trim()) as Job).state, 'success');
  const log = await server.ask('GET', `/logs?job=${job.id}`);
  assert.equal(log.text.match(/"message":"working"/g)?.length, 2);
  assert.equal(
    (await server.ask('GET', '/logs?pipeline=copy&tail=1')).text.trim().split('\n').length,
    1,
  );
  const up = await server.json<Lineage>('GET', '/provenance?repo=default/copy&ref=master&path=/a');
  assert.equal(up.datums.length, 1);
  const down = await server.json<Lineage>(
    'GET',
    '/provenance?repo=default/data&ref=master&direction=down',
  );
  assert.equal(down.next[0]?.commit.repo.name, 'copy');
  const set = await server.all<Commit>(`/commit-sets/${job.id}`);
  assert.ok(set.length >= 1);
  const ended = await server.ask('GET', `/commit-sets/${job.id}/wait?all=true`);
  assert.equal(ended.status, 200);
  assert.equal(
    (await server.problem('POST', `${base}/jobs/${job.id}/stop`)).code,
    'failed_precondition',
  );
  assert.equal((await server.json<Pipeline>('POST', `${base}/stop`)).stopped, true);
  assert.equal((await server.json<Pipeline>('POST', `${base}/start`)).stopped, false);
  const change = await server.json<PipelineChange[]>('POST', '/pipelines?update=true', {
    headers: TEXT,
    body: SPEC,
  });
  assert.equal(change[0]?.pipeline.version, 2);
  assert.equal((await server.json<Pipeline>('GET', `${base}?version=1`)).version, 1);
  await server.engine.settled();
  assert.equal((await server.ask('DELETE', base)).status, 204);
  assert.equal((await server.problem('GET', base)).code, 'not_found');
  assert.deepEqual(server.faults, []);
});

it('the engine tells its state and its journal, and ends when asked', async (t) => {
  const server = await withPipeline(t);
  const status = await server.json<EngineStatus>('GET', '/engine');
  assert.equal(status.version, '1.2.3');
  const entries = await server.all<JournalEntry>('/journal', 2);
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    entries.map((_, i) => i + 1),
  );
  assert.equal(entries.at(-1)?.sequence, status.sequence);
  let isStopped = false;
  server.events.once('stop', () => {
    isStopped = true;
  });
  assert.equal((await server.ask('POST', '/engine/stop')).status, 202);
  assert.ok(isStopped);
});

it('a list is the same whatever the size of its pages', async (t) => {
  const server = await withPipeline(t);
  for (const name of ['a', 'b', 'c']) {
    await server.json('POST', '/repos', { body: { project: 'default', name } });
    await server.json('PUT', `/repos/default/data/branches/${name}`, { body: { head: 'master' } });
    await server.put('data', { [`new-${name}`]: name });
  }
  await server.engine.settled();
  const [{ id = '' } = {}] = await server.all<Job>('/jobs');
  const lists = [
    '/repos?all=true',
    '/repos/default/data/branches',
    '/repos/default/data/commits',
    '/repos/default/data/commits?branch=master',
    '/commit-sets',
    `/commit-sets/${id}?all=true`,
    '/repos/default/data/files/master/list',
    '/repos/default/data/files/master/list?recursive=true',
    '/repos/default/data/files/master/glob?pattern=/**',
    '/repos/default/data/files/master/diff?old=default/data@master^3',
    '/pipelines',
    '/jobs',
    `/job-sets/${id}`,
    `/pipelines/default/copy/jobs/${id}/datums`,
    '/journal',
  ];
  for (const list of lists) {
    const whole = await server.all<CommitSet>(list, 10_000);
    assert.ok(whole.length > 0, list);
    assert.deepEqual(await server.all(list, 1), whole, list);
    assert.deepEqual(await server.all(list, 2), whole, list);
    if (list !== '/journal') {
      const sign = list.includes('?') ? '&' : '?';
      const { status } = await server.problem('GET', `${list}${sign}after=nonsense`);
      assert.ok(status === 409 || status === 404 || status === 400, list);
    }
  }
});

it('the pages of one list of files are of one commit, though the branch moves on between them', async (t) => {
  const server = await TestServer.start(t);
  await server.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  await server.put('r', { a: '1', b: '1', c: '1' });
  const list = '/repos/default/r/files/master/list?limit=2';
  const first = await server.json<Page<File>>('GET', list);
  assert.deepEqual(
    first.items.map((file) => file.path),
    ['/a', '/b'],
  );
  await server.json('POST', '/repos/default/r/files/master/delete', {
    body: { paths: ['/b', '/c'] },
  });
  const second = await server.json<Page<File>>(
    'GET',
    `${list}&after=${encodeURIComponent(first.next ?? '')}`,
  );
  assert.deepEqual(
    second.items.map((file) => file.path),
    ['/c'],
  );
  assert.equal(second.next, null);
});

it('a list whose place was deleted between pages does not end as if it were whole', async (t) => {
  const server = await TestServer.start(t);
  for (const name of ['a', 'b', 'c']) {
    await server.json('POST', '/repos', { body: { project: 'default', name } });
  }
  const { next } = await server.json<Page<Repo>>('GET', '/repos?limit=1');
  await server.ask('DELETE', `/repos/${next}`);
  assert.equal((await server.problem('GET', `/repos?limit=1&after=${next}`)).code, 'conflict');
});

it('a write that is sent again under its key is done once and answered alike', async (t) => {
  const server = await TestServer.start(t);
  const body = { project: 'default', name: 'r' };
  const key = newKey();
  const repo = await server.json('POST', '/repos', { body, key });
  assert.deepEqual(await server.json('POST', '/repos', { body, key }), repo);

  const putKey = newKey();
  const puts = await Promise.all(
    Array.from({ length: 8 }, () => server.put('r', { a: 'x' }, { key: putKey })),
  );
  assert.deepEqual([...new Set(puts.map(({ status }) => status))], [200]);
  assert.equal(new Set(puts.map(({ text }) => (JSON.parse(text) as Commit).id)).size, 1);
  assert.equal((await server.all('/repos/default/r/commits')).length, 1);

  const startKey = newKey();
  const start = () =>
    server.json<Commit>('POST', '/repos/default/r/commits', {
      body: { branch: 'b' },
      key: startKey,
    });
  const [one, two] = await Promise.all([start(), start()]);
  assert.equal(one.id, two.id);
  assert.equal((await start()).id, one.id);

  for (const key of [newKey()]) {
    assert.equal((await server.ask('DELETE', '/repos/default/r', { key })).status, 204);
    assert.equal((await server.ask('DELETE', '/repos/default/r', { key })).status, 204);
  }
  const reused = await server.problem('POST', '/repos/default/r/commits', {
    body: { branch: 'b' },
    key,
  });
  assert.equal(reused.code, 'not_found', 'a key of one request must not answer another');
});

it('a key still gives its first answer after the engine was opened again', async (t) => {
  const first = await TestServer.start(t);
  await first.json('POST', '/repos', { body: { project: 'default', name: 'r' } });
  const key = newKey();
  const put = await first.put('r', { a: 'x' }, { key });
  assert.equal(put.status, 200);
  await first.put('r', { a: 'y' });
  const second = await TestServer.start(t, { store: first.engine.store, self: 'engine-b' });
  const again = await second.put('r', { a: 'x' }, { key });
  assert.equal((JSON.parse(again.text) as Commit).id, (JSON.parse(put.text) as Commit).id);
  assert.equal((await second.all('/repos/default/r/commits')).length, 2);
  assert.equal((await second.ask('GET', '/repos/default/r/files/master/content?path=a')).text, 'y');
});
