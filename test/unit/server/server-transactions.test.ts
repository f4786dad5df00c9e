// Transactions as clients of the API meet them.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Branch, Commit, Repo } from '../../../engine/server/wire.ts';
import type { Transaction, TransactionOutcome } from '../../../engine/server/wire-transactions.ts';
import { newKey, TestServer } from '../../support/server.ts';

it('requests with the header are tried, kept, listed, and carried out together', async (t) => {
  const server = await TestServer.start(t);
  const { id } = await server.json<Transaction>('POST', '/transactions');
  const headers = { 'pfs-transaction': id };
  const body = { project: 'default', name: 'data' };
  const key = newKey();
  for (const _ of ['first', 'again']) {
    const made = await server.json<Repo>('POST', '/repos', { body, headers, key });
    assert.deepEqual([made.name, made.branches], ['data', []]);
  }
  const branch = '/repos/default/data/branches/dev';
  assert.equal((await server.json<Branch>('PUT', branch, { body: {}, headers })).name, 'dev');
  const start = { body: { branch: 'master' }, headers };
  const commit = await server.json<Commit>('POST', '/repos/default/data/commits', start);
  assert.deepEqual([commit.id, commit.state], [id, 'open']);
  assert.equal((await server.problem('GET', '/repos/default/data')).status, 404);

  const open = await server.json<Transaction>('GET', `/transactions/${id}`);
  const texts = ['create repo data', 'create branch data@dev', 'start commit data@master'];
  assert.deepEqual(
    open.requests.map(({ text }) => text),
    texts,
    'a retry is not added twice',
  );
  assert.deepEqual(await server.all<Transaction>('/transactions'), [open]);
  const finish = { key: newKey() };
  for (const _ of ['first', 'again']) {
    const outcome = await server.json<TransactionOutcome>(
      'POST',
      `/transactions/${id}/finish`,
      finish,
    );
    assert.deepEqual(
      [outcome.requests.length, outcome.commits.map((made) => made.id)],
      [texts.length, [id]],
    );
  }
  assert.deepEqual((await server.json<Repo>('GET', '/repos/default/data')).branches, [
    'dev',
    'master',
  ]);
  assert.deepEqual(await server.all<Transaction>('/transactions'), []);
  assert.equal((await server.problem('POST', `/transactions/${id}/finish`)).code, 'not_found');
});

it('what can not be part of a transaction is refused, and nothing of it done', async (t) => {
  const server = await TestServer.start(t);
  await server.engine.repos('data');
  await server.engine.put('data', { a: '1' });
  const { id } = await server.json<Transaction>('POST', '/transactions');
  const headers = { 'pfs-transaction': id };
  const file = await server.put('data', { b: '1' }, { headers });
  assert.match(file.text, /can only be carried out at once/);
  const project = { body: { name: 'team' }, headers };
  const problem = await server.problem('POST', '/projects', project);
  assert.deepEqual([problem.status, problem.code], [400, 'invalid']);
  for (const wrong of ['x', `${id}0`]) {
    const ask = { body: { description: 'd' }, headers: { 'pfs-transaction': wrong } };
    assert.equal((await server.problem('PATCH', '/repos/default/data', ask)).code, 'invalid');
  }
  const missing = { body: { description: 'd' }, headers: { 'pfs-transaction': newKey() } };
  assert.equal((await server.problem('PATCH', '/repos/default/data', missing)).code, 'not_found');
  assert.deepEqual(await server.engine.read('data'), { a: '1' });
  assert.equal((await server.ask('DELETE', `/transactions/${id}`)).status, 204);
  assert.deepEqual(await server.all<Transaction>('/transactions'), []);
});
