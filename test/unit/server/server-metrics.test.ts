// What Prometheus and those who start engines are told.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { it } from 'node:test';
import { Counter } from 'prom-client';
import { MeasuringObjectStore, type StoreOperation } from '../../../engine/object/measuring.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { Traffic } from '../../../engine/server/traffic.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { ask, startS3Door } from '../../support/s3-door.ts';
import { TestServer } from '../../support/server.ts';

async function textOf(response: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of response) {
    text += chunk;
  }
  return text;
}

it('requests under way are counted, and those that are refused leave no trace in it', async (t) => {
  const server = await TestServer.start(t);
  for (let i = 0; i < 3; i++) {
    assert.equal((await server.ask('GET', '/repos', { token: null })).status, 401);
  }
  const text = await textOf(await server.open('GET', '/metrics'));
  assert.match(text, /^pfs_http_requests_open 1$/m, 'this one');
});

it('figures say what happened, by routes and never by names', async (t) => {
  const server = await TestServer.start(t);
  const figures = async () => textOf(await server.open('GET', '/metrics'));
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

/** Reads one figure. */
async function figure(server: TestServer, series: string): Promise<number> {
  const text = await textOf(await server.open('GET', '/metrics'));
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.split(' ').at(-1));
}

it('bytes that come in and go out are counted, also of a connection that goes on', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
  const [inBefore, outBefore] = [
    await figure(server, 'pfs_http_bytes_total{direction="in"}'),
    await figure(server, 'pfs_http_bytes_total{direction="out"}'),
  ];
  const size = 300_000;
  await server.put('data', { '/large': 'x'.repeat(size) });
  const came = (await figure(server, 'pfs_http_bytes_total{direction="in"}')) - inBefore;
  assert.ok(came >= size && came < size + 10_000, `${came} bytes came in`);
  await server.ask('GET', '/repos/default/data/files/master/content?path=/large');
  const went = (await figure(server, 'pfs_http_bytes_total{direction="out"}')) - outBefore;
  assert.ok(went >= size && went < size + 100_000, `${went} bytes went out`);
  assert.ok((await figure(server, 'pfs_packs_bytes')) > 0, 'what is stored');
});

it('bytes of requests that are refused are counted too', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  const before = await figure(server, 'pfs_http_bytes_total{direction="in"}');
  const headers = { 'x-padding': 'x'.repeat(10_000) };
  assert.equal((await server.ask('GET', '/repos', { token: null, headers })).status, 401);
  const came = (await figure(server, 'pfs_http_bytes_total{direction="in"}')) - before;
  assert.ok(came >= 10_000 && came < 15_000, `${came} bytes came in`);
});

function newTraffic(): { readonly traffic: Traffic; readonly counter: Counter<'direction'> } {
  const labelNames = ['direction'] as const;
  const counter = new Counter({ name: 'bytes', help: 'Counted', labelNames, registers: [] });
  return { traffic: new Traffic(counter), counter };
}

it('bytes of the door for S3 are counted', async (t) => {
  const { traffic, counter } = newTraffic();
  const door = await startS3Door(t, { onServer: (server) => traffic.followAll(server) });
  const key = 'x'.repeat(5000);
  assert.equal((await ask(door, 'GET', `/bucket/${key}`)).status, 404);
  traffic.count();
  const { values } = await counter.get();
  const came = values.find(({ labels }) => labels.direction === 'in')?.value ?? 0;
  assert.ok(came >= key.length && came < 2 * key.length, `${came} bytes came in`);
});

it('a connection that is closed already is not kept in mind', async (t) => {
  const { traffic, counter } = newTraffic();
  const socket = new Socket();
  socket.destroy();
  await once(socket, 'close');
  traffic.follow(socket);
  const counted = t.mock.method(counter, 'inc');
  traffic.count();
  assert.equal(counted.mock.callCount(), 0);
});

it('the queue is told: jobs that wait for their turn, and datums that are not done', async (t) => {
  const server = await TestServer.start(t);
  await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
  await server.put('data', { '/a': 'a' });
  let begun = (): void => undefined;
  const isAtWork = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  server.engine.executor.setCode('copy', async () => {
    begun();
    await held;
  });
  await server.engine.pipeline({ name: 'copy', input: 'data' });
  await isAtWork;
  await server.put('data', { '/d': 'd' });
  // What a job knows of its datums is told now and then.
  while ((await figure(server, 'pfs_queue_datums')) === 0) {}
  assert.equal(await figure(server, 'pfs_queue_datums'), 1);
  assert.equal(await figure(server, 'pfs_queue_jobs'), 1);
  release();
  const { items } = await server.json<{ items: { id: string }[] }>('GET', '/jobs');
  for (const { id } of items) {
    await server.ask('GET', `/pipelines/default/copy/jobs/${id}/wait`);
  }
  assert.equal(await figure(server, 'pfs_queue_datums'), 0);
  assert.equal(await figure(server, 'pfs_queue_jobs'), 0);
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

interface Family {
  type: string;
  readonly series: Set<string>;
}

/** Reads the text format of Prometheus (version 0.0.4) and refuses what does not fit it. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  assert.ok(text.endsWith('\n'));
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, word, about = '', rest = ''] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
    if (word === 'HELP') {
      assert.ok(!families.has(about), `${about} comes twice`);
      families.set(about, { type: '', series: new Set() });
    } else if (word === 'TYPE') {
      assert.match(rest, /^(counter|gauge|histogram|summary)$/);
      (families.get(about) as Family).type = rest;
    } else {
      const label = '[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
      const sample = new RegExp(
        `^(\\w+)(\\{${label}(?:,${label})*\\})? (NaN|[+-]?Inf|[-+.0-9e]+)$`,
      );
      const [, name = '', labels = ''] = sample.exec(line) ?? [];
      assert.notEqual(name, '', line);
      const family =
        families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, '')) ?? undefined;
      assert.ok(family && family.type !== '', `${name} has no type`);
      assert.ok(!family.series.has(name + labels), `${line} comes twice`);
      family.series.add(name + labels);
    }
  }
  return families;
}

it('what Prometheus reads can be read, and does not grow with names, paths, words or failures', async (t) => {
  const server = await TestServer.start(t, { idle: true });
  const figures = async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of (await server.open('GET', '/metrics')) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
    }
    return parse(Buffer.concat(chunks).toString());
  };
  const count = (families: Map<string, Family>) =>
    [...families.values()].reduce((sum, { series }) => sum + series.size, 0);
  const ask = async (index: number) => {
    await server.json('POST', '/repos', { body: { project: 'default', name: `r${index}` } });
    await server.put(`r${index}`, { [`/f${index}`]: 'x' });
    await server.ask('GET', `/repos/default/r${index}/files/master/content?path=/f${index}`);
    await server.ask('GET', `/repos/p${index}/absent`);
    await server.ask('GET', `/nothing/of/the/kind/${index}`);
    await server.ask('GET', `/jobs?state=s${index}`, {
      headers: { 'request-id': `request-${index}` },
    });
  };
  await ask(0);
  await figures();
  const before = await figures();
  for (let index = 1; index < 25; index++) {
    await ask(index);
  }
  const after = await figures();
  assert.equal(count(after), count(before));
  for (const name of [
    'pfs_http_requests_open',
    'pfs_cache_reads_total',
    'pfs_journal_lag_seconds',
  ]) {
    assert.ok(after.has(name), name);
  }
});
