// What Prometheus and those who start engines are told.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MeasuringObjectStore, type StoreOperation } from '../../../engine/object/measuring.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { TestServer } from '../../support/server.ts';

it('figures say what happened, by routes and never by names', async (t) => {
  const server = await TestServer.start(t);
  const figures = async (): Promise<string> => {
    const response = await server.open('GET', '/metrics');
    let text = '';
    for await (const chunk of response) {
      text += chunk;
    }
    return text;
  };
  await server.json('POST', '/repos', { body: { project: 'default', name: 'visible' } });
  await server.put('visible', { '/a': 'a', '/b': 'b' });
  server.engine.executor.setCode('copy', (run) => run.print('done\n'));
  await server.engine.pipeline({ name: 'copy', input: 'visible' });
  const jobs = await server.json<{ items: { id: string }[] }>('GET', '/jobs');
  await server.ask('GET', `/pipelines/default/copy/jobs/${jobs.items[0]?.id}/wait`);
  await server.ask('GET', '/repos/default/absent');
  const text = await figures();
  const value = (series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')
        .at(-1),
    );
  assert.equal(value('pfs_repos'), 2);
  assert.equal(value('pfs_datums_total{state="processed"}'), 2);
  assert.equal(value('pfs_jobs_finished_total{state="success"}'), 1);
  assert.equal(value('pfs_ready'), 1);
  assert.ok(value('pfs_journal_transactions_total') >= 4);
  const labels = 'method="GET",route="/api/v1/repos/:project/:repo",status="404"';
  assert.equal(value(`pfs_http_request_seconds_count{${labels}}`), 1);
  assert.doesNotMatch(text, /visible|absent/);
});

it('the figures need the token, readiness does not', async (t) => {
  const server = await TestServer.start(t);
  assert.equal((await server.open('GET', '/metrics', { token: null })).statusCode, 401);
  assert.equal((await server.open('GET', '/readyz', { token: null })).statusCode, 200);
});

it('requests to the store are told with their outcome, time and bytes', async () => {
  const clock = new ManualClock();
  const told: StoreOperation[] = [];
  const store = new MeasuringObjectStore(new MemoryObjectStore({ clock }), {
    clock,
    onOperation: (operation) => void told.push(operation),
  });
  await store.put('a', [Buffer.from('ab'), Buffer.from('c')]);
  await store.get('a');
  await assert.rejects(store.get('b'));
  for await (const _ of store.list('')) {
    // Only that it ends counts.
  }
  const seen = told.map(({ kind, outcome, bytes }) => [kind, outcome, bytes]);
  assert.deepEqual(seen, [
    ['put', 'ok', 3],
    ['get', 'ok', 3],
    ['get', 'not_found', 0],
    ['list', 'ok', 0],
  ]);
});
