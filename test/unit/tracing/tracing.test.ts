// What a collector gets to know of requests, jobs and the journal, and that nobody waits for one.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, it, type TestContext } from 'node:test';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { readConfig } from '../../../engine/config.ts';
import { MeasuringObjectStore } from '../../../engine/object/measuring.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { openTracing, type Tracing } from '../../../engine/tracing/tracing.ts';
import { Collector } from '../../support/collector.ts';
import { ask, startS3Door } from '../../support/s3-door.ts';
import { TestServer } from '../../support/server.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const clock = new SystemClock();

afterEach(() => {
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('OTEL_'))) {
    delete process.env[name];
  }
});

/** Begins to send spans to a collector, as an engine does that has these variables. */
async function tracing(
  endpoint: string,
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly onProblem?: (error: unknown) => void;
  } = {},
): Promise<Tracing> {
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '10',
    ...options.env,
  });
  const onProblem =
    options.onProblem ??
    ((error: unknown) => {
      throw error;
    });
  const protocol = 'http/json';
  return await openTracing({ protocol, version: '1.2.3', engine: 'e1', clock, onProblem });
}

/** Starts a server whose spans, those of its store too, a collector takes. */
async function traced(t: TestContext, { tracer }: Tracing): Promise<TestServer> {
  const store = new MeasuringObjectStore(new MemoryObjectStore(), {
    clock,
    onOperation: tracer.onStoreOperation,
  });
  return await TestServer.start(t, { store, tracer });
}

it('a request is a span of the trace that its client says, and what it commits is part of it', async (t) => {
  const collector = await Collector.start(t);
  const spans = await tracing(collector.endpoint, {
    env: {
      OTEL_SERVICE_NAME: 'my-engine',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=for-the-collector',
    },
  });
  const server = await traced(t, spans);
  await server.ask('POST', '/repos?unknown=hidden', { body: { project: 'default', name: 'r' } });
  const body = JSON.stringify({ project: 'default', name: 'hidden' });
  const made = await server.ask('POST', '/repos', {
    headers: {
      traceparent: `00-${TRACE}-${CALLER}-01`,
      'request-id': 'found-again',
      'content-type': 'application/json',
    },
    // So long that its end comes later than its head.
    body: body.padEnd(2 ** 21),
  });
  assert.equal(made.status, 200);
  await server.ask('GET', '/repos/default/hidden');
  await server.put('hidden', { '/hidden.txt': 'hidden' });

  const [refused, span] = await collector.named('POST /api/v1/repos', 2);
  assert.deepEqual([span?.trace, span?.parent, span?.kind, span?.status], [TRACE, CALLER, 2, 0]);
  assert.deepEqual(span?.facts, {
    'http.request.method': 'POST',
    'http.route': '/api/v1/repos',
    'url.scheme': 'http',
    'network.protocol.version': '1.1',
    'pfs.request.id': 'found-again',
    'http.response.status_code': 200,
  });
  assert.equal(refused?.facts['http.response.status_code'], 400);
  assert.equal(refused?.parent, '', 'without a word of its client it begins a trace');
  const { resource } = span ?? {};
  assert.equal(resource?.['service.name'], 'my-engine');
  assert.equal(resource?.['service.version'], '1.2.3');
  assert.equal(resource?.['deployment.environment.name'], 'test');
  assert.equal(collector.headers[0]?.['api-key'], 'for-the-collector');

  const entry = await collector.inTrace(TRACE, 'journal put');
  assert.equal(entry.parent, span?.id);
  assert.equal(entry.facts['pfs.journal.transactions'], 1);
  assert.ok(Number(entry.facts['pfs.journal.bytes']) > 100);
  const put = await collector.inTrace(TRACE, 'store put');
  assert.equal(put.parent, entry.id);
  assert.equal(put.facts['pfs.store.bytes'], entry.facts['pfs.journal.bytes']);
  assert.ok(put.start >= entry.start - 1 && put.end <= entry.end + 1);

  await collector.named('GET /api/v1/repos/:project/:repo');
  await spans.close();
  assert.doesNotMatch(collector.text, /hidden|token/);
});

it('a request to the door for S3 is a span too, without the names of buckets and objects', async (t) => {
  const collector = await Collector.start(t);
  const { tracer, close } = await tracing(collector.endpoint);
  const door = await startS3Door(t, { tracer });
  await door.engine.repos('data');
  const headers = { traceparent: `00-${TRACE}-${CALLER}-01` };
  const put = await ask(door, 'PUT', '/master.data/hidden/file', { body: 'hidden', headers });
  assert.equal(put.status, 200);
  await ask(door, 'GET', '/master.hidden');
  await ask(door, 'GET', '/');

  const [span] = await collector.named('PUT /{bucket}/{key}');
  assert.deepEqual([span?.trace, span?.parent, span?.kind, span?.status], [TRACE, CALLER, 2, 0]);
  assert.deepEqual(span?.facts, {
    'http.request.method': 'PUT',
    'http.route': '/{bucket}/{key}',
    'url.scheme': 'http',
    'network.protocol.version': '1.1',
    'pfs.request.id': put.headers['x-amz-request-id'],
    'http.response.status_code': 200,
  });
  assert.equal((await collector.inTrace(TRACE, 'journal put')).parent, span?.id);
  const [bucket] = await collector.named('GET /{bucket}');
  assert.equal(bucket?.facts['http.response.status_code'], 404);
  await collector.named('GET /');
  await close();
  assert.doesNotMatch(collector.text, /hidden/);
});

it('a job is a span, and each of its datums one of its parts, in the trace of the commit set', async (t) => {
  const collector = await Collector.start(t);
  const spans = await tracing(collector.endpoint);
  const { engine } = await traced(t, spans);
  await engine.repos('images');
  engine.executor.setCode('copy', (run) => run.print('secret-line\n'));
  await engine.pipeline({ name: 'copy', input: 'images' });
  await engine.put('images', { '/secret-a': 'secret-1', '/secret-b': 'secret-2' });
  const job = await engine.done('copy');
  // The trace has the id of the job.
  const found = await collector.inTrace(job.id, 'job default/copy');
  assert.deepEqual([found.parent, found.status], ['', 0]);
  assert.equal(found.facts['pfs.pipeline'], 'default/copy');
  assert.equal(found.facts['pfs.job.id'], job.id);
  assert.equal(found.facts['pfs.job.state'], 'success');
  assert.equal(found.facts['pfs.job.datums.total'], 2);
  assert.equal(found.facts['pfs.job.datums.processed'], 2);
  assert.ok(found.start >= (job.started ?? 0) - 1 && found.end >= (job.finished ?? 0) - 1);
  const datums = await collector.named('datum', 2);
  assert.equal(new Set(datums.map(({ facts }) => facts['pfs.datum.id'])).size, 2);
  for (const datum of datums) {
    assert.deepEqual([datum.trace, datum.parent], [job.id, found.id]);
    assert.equal(datum.facts['pfs.datum.state'], 'success');
    assert.equal(datum.facts['pfs.datum.tries'], 1);
    assert.ok(datum.start >= found.start && datum.end <= found.end);
  }
  const puts = collector.spans.filter((one) => one.name === 'journal put');
  assert.ok(puts.some(({ parent }) => parent === found.id));
  await spans.close();
  assert.doesNotMatch(collector.text, /secret/);
});

it('a job that fails is a span that failed, and so is its datum', async (t) => {
  const collector = await Collector.start(t);
  const spans = await tracing(collector.endpoint);
  const { engine } = await traced(t, spans);
  await engine.repos('images');
  engine.executor.setCode('copy', () => 3);
  await engine.pipeline({ name: 'copy', input: 'images', datum_tries: 2 });
  await engine.put('images', { '/a': '1' });
  await engine.settled();
  const [datum] = await collector.named('datum');
  assert.deepEqual([datum?.status, datum?.facts['error.type']], [2, 'failed']);
  assert.deepEqual([datum?.facts['pfs.datum.exit_code'], datum?.facts['pfs.datum.tries']], [3, 2]);
  const job = await collector.inTrace(datum?.trace ?? '', 'job default/copy');
  assert.deepEqual([job.status, job.facts['pfs.job.state'], job.id], [2, 'failure', datum?.parent]);
  await spans.close();
});

it('what is not sampled is not sent', async (t) => {
  const collector = await Collector.start(t);
  const spans = await tracing(collector.endpoint, {
    env: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
  });
  const server = await traced(t, spans);
  await server.ask('GET', '/repos');
  await server.ask('GET', '/jobs', { headers: { traceparent: `00-${TRACE}-${CALLER}-01` } });
  await collector.named('GET /api/v1/jobs');
  await spans.close();
  assert.deepEqual([...new Set(collector.spans.map(({ trace }) => trace))], [TRACE]);
});

it('what watches the engine itself leaves no spans', async (t) => {
  const collector = await Collector.start(t);
  const spans = await tracing(collector.endpoint);
  const server = await traced(t, spans);
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    await server.open('GET', path).then((response) => response.resume());
  }
  await server.ask('POST', '/absent');
  await collector.named('POST');
  await spans.close();
  assert.deepEqual(
    collector.spans.filter(({ kind }) => kind === 2).map(({ name }) => name),
    ['POST'],
  );
});

it('a collector that is away costs no request, and is told of once', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const problems: string[] = [];
  let tell = () => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const spans = await tracing(`http://127.0.0.1:${port}`, {
    env: { OTEL_EXPORTER_OTLP_TIMEOUT: '200', OTEL_EXPORTER_OTLP_HEADERS: 'api-key=very-secret' },
    onProblem: (error) => {
      problems.push((error as Error).message);
      tell();
    },
  });
  const api = await traced(t, spans);
  for (let i = 0; i < 20; i++) {
    assert.equal((await api.ask('GET', '/repos')).status, 200);
  }
  await told;
  assert.equal((await api.ask('GET', '/repos')).status, 200);
  await spans.close();
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /^Cannot send spans: .*ECONNREFUSED/);
  assert.doesNotMatch(problems[0] ?? '', /very-secret/);
});

it('the end of the engine waits two seconds for a collector that does not answer, and no longer', async (t) => {
  const collector = await Collector.start(t, { isSilent: true });
  const spans = await tracing(collector.endpoint, { onProblem: () => undefined });
  const server = await traced(t, spans);
  assert.equal((await server.ask('GET', '/repos')).status, 200);
  await collector.named('GET /api/v1/repos');
  const began = performance.now();
  await spans.close();
  const took = performance.now() - began;
  assert.ok(took > 1500 && took < 5000, `it took ${took} ms`);
});

it('spans are sent where a collector is named, and by HTTP alone', () => {
  const address = 'http://127.0.0.1:4318';
  const spans = (env: Record<string, string>) => readConfig(env).spans;
  assert.equal(spans({}), undefined);
  assert.equal(spans({ OTEL_SERVICE_NAME: 'x' }), undefined);
  assert.equal(spans({ OTEL_EXPORTER_OTLP_ENDPOINT: address }), 'http/protobuf');
  const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: address };
  assert.equal(spans(traces), 'http/protobuf');
  assert.equal(spans({ ...traces, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }), 'http/json');
  assert.equal(spans({ ...traces, OTEL_SDK_DISABLED: 'true' }), undefined);
  assert.equal(spans({ ...traces, OTEL_TRACES_EXPORTER: 'none' }), undefined);
  assert.throws(
    () => spans({ ...traces, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    /Cannot send spans by "grpc"/,
  );
  assert.throws(
    () => spans({ OTEL_EXPORTER_OTLP_ENDPOINT: 'user:password@host' }),
    (error: Error) => /ENDPOINT: it must/.test(error.message) && !/password/.test(error.message),
  );
});
